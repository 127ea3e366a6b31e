// What is drawn: stored values through a table of grey, and evidence through a table of colours.

const TEXT = new TextDecoder();

// The film and the viewer come as two elements of the page, so that a change of the evidence
// does not send the film again. They meet here, by the film's digest; whoever brought a film
// takes it away.
const films = new Map();

function expectFilm(digest) {
  let entry = films.get(digest);
  if (!entry) {
    entry = { holders: new Set(), started: false };
    entry.film = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    // A viewer that left does not wait for it any more.
    entry.film.catch(() => {});
    films.set(digest, entry);
  }
  return entry;
}

function releaseFilm(digest, holder) {
  const entry = films.get(digest);
  if (!entry) return;
  entry.holders.delete(holder);
  if (!entry.holders.size) films.delete(digest);
}

function provideFilm(holder, bytes, held) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(0, true);
  const header = JSON.parse(TEXT.decode(bytes.subarray(4, 4 + size)));
  const before = held.get(holder);
  if (before === header.digest) return;
  const entry = expectFilm(header.digest);
  entry.holders.add(holder);
  held.set(holder, header.digest);
  if (before) releaseFilm(before, holder);
  if (!entry.started) {
    entry.started = true;
    decodeFilm(header, bytes.subarray(4 + size)).then(entry.resolve, entry.reject);
  }
}

// Undo what payload.py did: inflate, join high and low bytes, add up the differences.
async function decodeFilm(header, packed) {
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const { rows, columns, count } = header;
  const pixels = rows * columns;
  const values = new Uint16Array(pixels);
  for (let row = 0, at = 0; row < rows; row += 1) {
    let value = row ? values[at - columns] : 0;
    for (const end = at + columns; at < end; at += 1) {
      const code = (bytes[at] << 8) | bytes[pixels + at];
      value = (value + ((code >>> 1) ^ -(code & 1))) & 0xffff;
      values[at] = value;
    }
  }
  let place = 2 * pixels;
  const tables = header.tables.map((table) => {
    const grey = bytes.slice(place, place + count);
    place += count;
    return { ...table, grey };
  });
  const modality = new Float64Array(count);
  if (header.modality) {
    modality.forEach((_, index) => {
      modality[index] = header.modality[0] + index * header.modality[1];
    });
  } else {
    modality.set(new Float32Array(bytes.slice(place, place + 4 * count).buffer));
  }
  return { ...header, values, tables, modality };
}

// Grey of each value for a linear window, in modality units.
function windowGrey(film, center, width) {
  const grey = new Uint8Array(film.count);
  const low = center - width / 2;
  for (let index = 0; index < film.count; index += 1) {
    const share = Math.min(Math.max((film.modality[index] - low) / width, 0), 1);
    grey[index] = Math.floor(255 * (film.invert ? 1 - share : share) + 0.5);
  }
  return grey;
}

// Draw the film into a canvas of its own size. What lies beyond the table is padding: black.
function paintFilm(canvas, film, grey, inverted) {
  canvas.width = film.columns;
  canvas.height = film.rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(film.columns, film.rows);
  const colors = new Uint32Array(film.count + 1);
  for (let index = 0; index < film.count; index += 1) {
    colors[index] = (0xff000000 | ((inverted ? 255 - grey[index] : grey[index]) * 0x010101)) >>> 0;
  }
  colors[film.count] = 0xff000000;
  const shades = new Uint32Array(image.data.buffer);
  const { values } = film;
  for (let at = 0; at < shades.length; at += 1) shades[at] = colors[values[at]];
  context.putImageData(image, 0, 0);
}

const MAP_SIDE = 384;

// As hilum.explain.interpolate_map: cubic Hermite with level tangents, never beyond the cells.
function weighCells(cells, samples) {
  const weights = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const place = Math.min(Math.max(((sample + 0.5) * cells) / samples - 0.5, 0), cells - 1);
    const first = Math.min(Math.floor(place), Math.max(cells - 2, 0));
    const share = place - first;
    const smooth = share * share * (3 - 2 * share);
    weights.push([first, Math.min(first + 1, cells - 1), smooth]);
  }
  return weights;
}

// Draw the map's colours at full opacity; how much they cover follows the strength.
function paintMap(canvas, evidence) {
  canvas.width = MAP_SIDE;
  canvas.height = MAP_SIDE;
  const { rows, columns, scale } = evidence;
  const values = new Float32Array(readBase64(evidence.values).buffer);
  const colors = readBase64(evidence.colors);
  const opacities = readBase64(evidence.opacities);
  const context = canvas.getContext("2d");
  const image = context.createImageData(MAP_SIDE, MAP_SIDE);
  const across = weighCells(columns, MAP_SIDE);
  let at = 0;
  for (const [upper, lower, down] of weighCells(rows, MAP_SIDE)) {
    for (const [left, right, aside] of across) {
      const above = values[upper * columns + left] * (1 - aside) + values[upper * columns + right] * aside;
      const below = values[lower * columns + left] * (1 - aside) + values[lower * columns + right] * aside;
      const value = above * (1 - down) + below * down;
      const code = Math.round(Math.min(Math.max(value / scale, -1), 1) * 127) + 128;
      image.data[at] = colors[3 * code];
      image.data[at + 1] = colors[3 * code + 1];
      image.data[at + 2] = colors[3 * code + 2];
      image.data[at + 3] = opacities[code];
      at += 4;
    }
  }
  context.putImageData(image, 0, 0);
}

function readBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
