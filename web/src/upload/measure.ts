/* SPDX-License-Identifier: Apache-2.0 */
/* How wide and high a file's picture is, found in this browser while its bytes are under way, so that
   its frame has its shape before the server has looked. What the browser cannot read has none. */
export interface Shape {
  width: number;
  height: number;
}

const PATIENCE = 10_000;
const SIDE_MAX = 10_000;

async function ofPicture(file: File): Promise<Shape> {
  const bitmap = await createImageBitmap(file);
  const shape = { width: bitmap.width, height: bitmap.height };
  bitmap.close();
  return shape;
}

function ofFilm(address: string): Promise<Shape> {
  return new Promise((done, fail) => {
    const film = document.createElement("video");
    film.preload = "metadata";
    film.muted = true;
    film.onloadedmetadata = () => done({ width: film.videoWidth, height: film.videoHeight });
    film.onerror = fail;
    film.src = address;
    setTimeout(fail, PATIENCE);
  });
}

export async function measure(file: File, film: boolean): Promise<Partial<Shape>> {
  const address = film ? URL.createObjectURL(file) : "";
  try {
    const { width, height } = await (film ? ofFilm(address) : ofPicture(file));
    return width > 0 && height > 0 && Math.max(width, height) <= SIDE_MAX ? { width, height } : {};
  } catch {
    return {};
  } finally {
    if (film) URL.revokeObjectURL(address);
  }
}
