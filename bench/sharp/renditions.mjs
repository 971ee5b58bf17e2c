// SPDX-License-Identifier: Apache-2.0
// The baseline of bench/renditions.c: the same renditions by sharp. Told by lines on standard input,
// answers one line each:
//   photo FROM TO      a JPEG of 4000 by 3000 from a picture, with the noise of a camera
//   run FILE COUNT N   makes the renditions COUNT times, N at once
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const box = 400;

sharp.cache(false);

async function photo(from, to) {
    const noise = await sharp({
        create: { width: 4000, height: 3000, channels: 3, noise: { type: "gaussian", mean: 128, sigma: 12 } },
    })
        .png({ compressionLevel: 0 })
        .toBuffer();
    await sharp(from)
        .resize(4000, 3000, { fit: "cover" })
        .composite([{ input: noise, blend: "soft-light" }])
        .removeAlpha()
        .jpeg({ quality: 90 })
        .toFile(to);
    return "ok";
}

// The small picture is decoded once and kept; all three are made from it.
async function renditions(bytes) {
    const facts = await sharp(bytes).metadata();
    const { data, info } = await sharp(bytes, { failOn: "truncated" })
        .rotate()
        .resize(box, box, { fit: "inside", withoutEnlargement: true })
        .raw()
        .toBuffer({ resolveWithObject: true });
    const small = () => sharp(data, { raw: info });
    const made = await Promise.all([
        small().flatten({ background: "#fff" }).jpeg({ quality: 80, progressive: true, optimiseCoding: true }).toBuffer(),
        small().webp({ quality: 82, effort: 2 }).toBuffer(),
        small().resize(10, 10, { fit: "fill" }).png({ compressionLevel: 9, adaptiveFiltering: true }).toBuffer(),
    ]);
    return facts.width > 0 && made.every((one) => one.length > 0);
}

async function run(file, count, atOnce) {
    const bytes = readFileSync(file);
    let left = count;
    const worker = async () => {
        while (left-- > 0) if (!(await renditions(bytes))) throw new Error("nothing was made");
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return "ok";
}

for await (const line of createInterface({ input: process.stdin })) {
    const [verb, ...rest] = line.split(" ");
    const answer = await (verb === "photo" ? photo(rest[0], rest[1]) : run(rest[0], Number(rest[1]), Number(rest[2])));
    process.stdout.write(`${answer} sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}\n`);
}
