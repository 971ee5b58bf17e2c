/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for react-style-singleton, which react-remove-scroll (inside Radix) uses to stop the page
   from scrolling under a dialog by writing a <style> element. Ours is in styles/overlays.css. */
export const stylesheetSingleton = () => ({ add: () => {}, remove: () => {} });
export const styleHookSingleton = () => () => {};
export const styleSingleton = () => () => null;
