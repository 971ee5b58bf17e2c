/* SPDX-License-Identifier: Apache-2.0 */
/* What the library says beyond the common words. */
import { counted, number, size } from "../format";

const works = (count: number) => counted(count, "work", "works");

export const words = {
  stamped: "Download with how it was made",
  frame: { image: "Picture", video: "Film" },
  grid: { date: "Works by day", size: "Works by size", type: "Works by kind" },
  preparing: "Being prepared", uploaded: "Uploaded",
  mark: { act: "Favourite", said: "A favourite now.", saidNot: "No favourite any more.", failed: "It was not marked. Try again." },
  refused: { act: (name: string) => `Delete ${name}, which was refused`, said: "Deleted from your library." },

  embedded: {
    tools: { atelier: "Atelier", automatic1111: "Automatic1111", comfyui: "ComfyUI", invokeai: "InvokeAI", iptc: "Its IPTC record" },
    title: (tool: string) => `${tool} says in the file`, use: "Use its settings", sampler: "Sampler",
    credentials: "Content credentials are in the file. They were not checked.", generated: "Made by a model, it says.",
  },

  sort: {
    name: "Order", newest: "Newest first", oldest: "Oldest first", largest: "Largest first", smallest: "Smallest first", kinds: "By kind",
  },
  only: { name: "Which", all: "All works", made: "Made here", uploaded: "Uploaded", marked: "Favourites" },
  search: { label: "Search your works", hint: "Search", none: (text: string) => `Nothing of yours says “${text}”.`, clear: "Show everything" },
  bands: ["100 MB and more", "10 to 100 MB", "1 to 10 MB", "Under 1 MB"],
  kinds: { image: "Pictures", video: "Films" },
  months: "Go to a month",

  picks: {
    label: "Picked works", begin: "Pick", end: "Done", pick: "Pick",
    count: (count: number, bytes: number) => `${number(count)} picked, ${size(bytes)}`,
    said: (count: number) => (count === 0 ? "Nothing picked." : `${number(count)} picked.`),
    download: "Download ZIP", remove: "Delete", clear: "Clear", compare: "Side by side", all: "Pick all",
    tooMany: (most: number) => `A ZIP holds ${number(most)} works at most. Pick fewer.`,
    begun: (count: number, bytes: number) => `${works(count)}, ${size(bytes)}: the download has begun.`,
    zipFailed: "The ZIP could not be made. Try again.",
    offline: "Offline. Try again when you are back.",
  },

  remove: {
    title: (count: number) => `Delete ${works(count)}?`,
    text: (bytes: number) => `They are gone for good; there is no bin. This frees ${size(bytes)}.`,
    said: (count: number, bytes: number) => `${works(count)} deleted. ${size(bytes)} freed.`,
    going: (done: number, count: number) => `${number(done)} of ${number(count)} deleted`,
    partly: (done: number, count: number, why: string) => `${number(done)} of ${number(count)} are deleted, the rest are still here. ${why}`,
  },

  look: {
    zoom: "Zoom", larger: "Larger", smaller: "Smaller", scale: (percent: number) => `${percent} %`,
    compare: "Side by side",
  },
};
