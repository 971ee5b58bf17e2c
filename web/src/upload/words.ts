/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool says about files on their way in. */
import { counted, left, size } from "../format";

export const words = {
  act: "Upload", label: "Uploads", choose: "Choose pictures or films",
  dropHere: "Drop pictures and films here. They go to your library.",
  waiting: "Waits for its turn", paused: "Paused", landing: "Arrived, being looked at", done: "In your library", failed: "Not uploaded",
  stalled: (sent: number, all: number) => `${size(sent)} of ${size(all)}. The server does not answer; it is being asked again.`,
  more: (count: number) => `Show ${counted(count, "more file", "more files")}`, less: "Show fewer",
  limited: (seconds: number) => `Many at once. It goes on by itself in ${left(seconds)}.`,
  part: (sent: number, all: number) => `${size(sent)} of ${size(all)}`,
  about: (seconds: number) => `about ${left(seconds)} left`,
  pause: "Pause", resume: "Go on", retry: "Try again", makeRoom: "Make room", larger: "Take a larger plan", remove: "Remove", see: "See it",
  pauseAll: "Pause all", resumeAll: "Go on with all", clear: "Clear",
  of: (act: string, name: string) => `${act}: ${name}`,
  progress: (name: string, percent: number) => `${name}, ${percent} percent`,
  rail: (count: number) => `${counted(count, "file", "files")} coming in`,
  railFailed: (count: number) => `${counted(count, "file was", "files were")} not uploaded`,
  said: (count: number) => `${counted(count, "file is", "files are")} in your library.`,
  saidFailed: (name: string) => `${name} was not uploaded.`,
  faults: {
    empty: "This file is empty.",
    kind: (type: string) => `This is ${type}. Pictures (PNG, JPEG, WebP, AVIF, GIF, HEIC) and films (MP4, WebM, MOV) can be uploaded.`,
    noAnswer: "The server did not answer. What has arrived is kept. It goes on when you are back; or try again.",
    refused: (status: number) => `The server did not take it (${status}). Nothing is lost. Try again.`,
  },
};
