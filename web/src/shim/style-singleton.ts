/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for react-style-singleton, which react-remove-scroll (inside Radix) uses to stop the page
   from scrolling under a dialog by writing a <style> element. It also holds wheel and touch
   back by listeners, and that is enough. */
export const stylesheetSingleton = () => ({ add: () => {}, remove: () => {} });
export const styleHookSingleton = () => () => {};
export const styleSingleton = () => () => null;
