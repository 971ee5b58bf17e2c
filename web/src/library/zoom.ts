/* SPDX-License-Identifier: Apache-2.0 */
/* Where a picture stands that is looked at closely: arithmetic only. scale 1 fits; x and y move the
   middle, in pixels of the screen. */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export interface Box {
  width: number;
  height: number;
}

export const FIT: Zoom = { scale: 1, x: 0, y: 0 };
export const CLOSEST = 4; /* times the picture's own points */

/* The scale at which a picture that fits so is shown point by point. */
export const actualScale = (fitted: Box, natural: Box) => Math.max(1, natural.width / Math.max(1, fitted.width));

/* Never further out than fitting, never closer than CLOSEST; what is larger than the room covers it. */
export function bounded(zoom: Zoom, fitted: Box, room: Box, natural: Box): Zoom {
  const scale = Math.min(Math.max(1, zoom.scale), actualScale(fitted, natural) * CLOSEST);
  const slack = (side: number, of: number) => Math.max(0, (side * scale - of) / 2);
  const hold = (value: number, most: number) => Math.min(most, Math.max(-most, value));
  return { scale, x: hold(zoom.x, slack(fitted.width, room.width)), y: hold(zoom.y, slack(fitted.height, room.height)) };
}

/* Closer or further by a factor, so that the point under the pointer stays there; at is from the middle. */
export function zoomedAt(zoom: Zoom, factor: number, at: { x: number; y: number }): Zoom {
  return { scale: zoom.scale * factor, x: at.x - (at.x - zoom.x) * factor, y: at.y - (at.y - zoom.y) * factor };
}
