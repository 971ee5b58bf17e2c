/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool says about room. */
import { counted, number, size } from "../format";

export const words = {
  title: "Storage",
  used: (used: number, room: number) => `${size(used)} / ${size(room)} used`,
  usedOf: (used: number) => `${size(used)} used`,
  share: (percent: number) => `${percent > 0 && percent < 1 ? "under 1" : number(Math.floor(percent))} %`,
  held: (bytes: number) => `${size(bytes)} held for what is on its way`,
  part: (film: boolean, count: number, bytes: number) => `${film ? counted(count, "film", "films") : counted(count, "picture", "pictures")} (${size(bytes)})`,
  uploaded: (bytes: number) => `${size(bytes)} of it uploaded`,
  near: (left: number) => `Nearly full: ${size(left)} are left. Make room below, or take a larger plan.`,
  full: (room: number) => `Your ${size(room)} is full. Nothing is deleted; new works and uploads wait until there is room.`,
  upgrade: "Take a larger plan", library: "Go to the library",
  largest: "Largest first", largestHelp: "Deleting is for good; there is no bin.",
  pick: (name: string) => `Pick ${name}`, pickAll: "Pick all in view",
  kind: { image: "Picture", video: "Film" }, untitled: "Untitled",
  picked: (count: number, bytes: number) => `${number(count)} picked, ${size(bytes)}`, clear: "Clear",
  remove: "Delete", more: "Show more", empty: "Nothing takes room yet. What you make or upload is listed here, largest first.",
};
