// Hands on the film: wheel, drag, pinch, right button and keys.

class Hands {
  constructor(viewer, canvases, on) {
    this.viewer = viewer;
    this.pointers = new Map();
    this.windowing = false;
    on(viewer.part("stage"), "keydown", (event) => this.press(event));
    for (const canvas of canvases) {
      on(canvas, "wheel", (event) => this.wheel(event, canvas), { passive: false });
      on(canvas, "dblclick", () => viewer.fit());
      on(canvas, "contextmenu", (event) => event.preventDefault());
      on(canvas, "pointerdown", (event) => this.grasp(event, canvas));
      on(canvas, "pointermove", (event) => this.drag(event, canvas));
      on(canvas, "pointerleave", () => viewer.light(null));
      for (const kind of ["pointerup", "pointercancel"]) on(canvas, kind, (event) => this.drop(event));
    }
  }

  // Where the pointer is, in px of the canvas as it is drawn.
  locate(event, canvas) {
    const frame = canvas.getBoundingClientRect();
    const ratio = canvas.width / frame.width;
    return { x: (event.clientX - frame.left) * ratio, y: (event.clientY - frame.top) * ratio, ratio };
  }

  wheel(event, canvas) {
    event.preventDefault();
    const { x, y } = this.locate(event, canvas);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    // A pinch on a touch pad comes as a wheel with Ctrl, in small steps.
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    this.viewer.place.zoomBy(Math.exp(-event.deltaY * lines * speed), canvas, x, y);
    this.viewer.redraw();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 48 * (window.devicePixelRatio || 1);
    const moves = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    };
    if (moves[event.key]) this.viewer.place.moveBy(...moves[event.key], this.viewer.pane());
    else if (event.key === "+" || event.key === "=") this.viewer.place.zoomBy(1.25, this.viewer.pane());
    else if (event.key === "-") this.viewer.place.zoomBy(0.8, this.viewer.pane());
    else if (event.key === "0") this.viewer.place.fit();
    else return;
    event.preventDefault();
    this.viewer.redraw();
  }

  grasp(event, canvas) {
    if (event.button === 1) return;
    canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, canvas });
    this.windowing = event.button === 2 || this.viewer.chosen("tool") === "window";
    this.viewer.part("stage").classList.add("dragging");
  }

  drag(event, canvas) {
    const last = this.pointers.get(event.pointerId);
    if (!last) {
      this.point(event, canvas);
      return;
    }
    const { ratio } = this.locate(event, canvas);
    const moved = { x: event.clientX - last.x, y: event.clientY - last.y };
    if (this.pointers.size > 1) this.pinch(event, canvas, moved, ratio);
    else if (this.windowing) this.dragWindow(moved);
    else this.viewer.place.moveBy(moved.x * ratio, moved.y * ratio, canvas);
    Object.assign(last, { x: event.clientX, y: event.clientY });
    this.viewer.redraw();
  }

  // Two fingers: their distance is the zoom, and what lies between them stays there.
  pinch(event, canvas, moved, ratio) {
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    const other = others[0][1];
    const before = Math.hypot(event.clientX - moved.x - other.x, event.clientY - moved.y - other.y);
    const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
    const middle = { clientX: (event.clientX + other.x) / 2, clientY: (event.clientY + other.y) / 2 };
    const { x, y } = this.locate(middle, canvas);
    if (before > 0) this.viewer.place.zoomBy(after / before, canvas, x, y);
    this.viewer.place.moveBy((moved.x * ratio) / 2, (moved.y * ratio) / 2, canvas);
  }

  // To the right: wider. Up: brighter, whatever the file's greater values mean.
  dragWindow(moved) {
    const step = Math.max(this.viewer.film.tables[0].width, this.viewer.width) / 600;
    const up = this.viewer.film.invert !== this.viewer.part("invert").checked ? -1 : 1;
    this.viewer.setWindow(this.viewer.center + up * moved.y * step, this.viewer.width + moved.x * step);
  }

  drop(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.viewer.part("stage").classList.remove("dragging");
  }

  // Which region lies under the pointer.
  point(event, canvas) {
    if (!this.viewer.regions.length || !this.viewer.part("outlines").checked || canvas !== this.viewer.canvases.evidence) return;
    const { x, y } = this.locate(event, canvas);
    const at = this.viewer.place.toFilm(canvas, x, y);
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    const found = this.viewer.regions.findIndex((region) => context.isPointInPath(region.path, at.x, at.y, "evenodd"));
    this.viewer.light(found < 0 ? null : found);
  }
}
