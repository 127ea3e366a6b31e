// Where the film lies in a pane. One place and one zoom for all panes keep them in step.

const MOST_ZOOM = 16;

class Place {
  constructor(width, height) {
    this.film = { width, height };
    this.fit();
  }

  fit() {
    this.zoom = 1;
    this.x = this.film.width / 2;
    this.y = this.film.height / 2;
  }

  // Px of the pane for one px of the film.
  scale(pane) {
    return this.zoom * Math.min(pane.width / this.film.width, pane.height / this.film.height);
  }

  // The film's upper left corner in the pane.
  corner(pane) {
    const scale = this.scale(pane);
    return { x: pane.width / 2 - this.x * scale, y: pane.height / 2 - this.y * scale };
  }

  toFilm(pane, x, y) {
    const scale = this.scale(pane);
    const corner = this.corner(pane);
    return { x: (x - corner.x) / scale, y: (y - corner.y) / scale };
  }

  // Change the zoom and keep what lies under (x, y) of the pane where it is.
  zoomBy(factor, pane, x = pane.width / 2, y = pane.height / 2) {
    const kept = this.toFilm(pane, x, y);
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ZOOM);
    const scale = this.scale(pane);
    this.x = kept.x - (x - pane.width / 2) / scale;
    this.y = kept.y - (y - pane.height / 2) / scale;
    this.stay(pane);
  }

  moveBy(x, y, pane) {
    const scale = this.scale(pane);
    this.x -= x / scale;
    this.y -= y / scale;
    this.stay(pane);
  }

  // The film never leaves a pane that it could fill.
  stay(pane) {
    const scale = this.scale(pane);
    const half = { x: pane.width / 2 / scale, y: pane.height / 2 / scale };
    this.x = keepWithin(this.x, half.x, this.film.width);
    this.y = keepWithin(this.y, half.y, this.film.height);
  }
}

function keepWithin(middle, half, length) {
  return 2 * half >= length ? length / 2 : Math.min(Math.max(middle, half), length - half);
}

// Outlines of a region as a path in px of the film.
function tracePath(lines) {
  const path = new Path2D();
  for (const line of lines) {
    for (let at = 0; at < line.points.length; at += 2) {
      path[at ? "lineTo" : "moveTo"](line.points[at], line.points[at + 1]);
    }
    if (line.closed) path.closePath();
  }
  return path;
}

// Light ink over a dark edge: seen over bone and over air. Lines keep their width at every zoom.
function drawOutlines(context, regions, lit, transform, ratio, ink) {
  regions.forEach((region, number) => {
    const strong = lit === number;
    const path = new Path2D();
    path.addPath(region.path, transform);
    context.setLineDash(region.against ? [9 * ratio, 7 * ratio] : []);
    for (const [width, color, alpha] of [
      [(strong ? 6.5 : 4) * ratio, ink.edge, 0.8],
      [(strong ? 3.2 : 1.7) * ratio, ink.line, 1],
    ]) {
      context.globalAlpha = alpha;
      context.lineWidth = width;
      context.strokeStyle = color;
      context.stroke(path);
    }
    context.globalAlpha = 1;
  });
  context.setLineDash([]);
}

// Each number stands where its region is strongest.
function drawNumbers(context, regions, transform, ratio, ink, font) {
  context.font = `600 ${14 * ratio}px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  regions.forEach((region, number) => {
    const { x, y } = new DOMPoint(...region.peak).matrixTransform(transform);
    context.lineWidth = 4 * ratio;
    context.strokeStyle = ink.edge;
    context.strokeText(String(number + 1), x, y);
    context.fillStyle = ink.line;
    context.fillText(String(number + 1), x, y);
  });
}
