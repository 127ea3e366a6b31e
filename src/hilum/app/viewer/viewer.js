// Controls and panes. Nothing here asks the server: all is drawn from what came once.

const NARROW_PX = 620;
const LEAST_HEIGHT_PX = 300;
// Room that the page needs above and below the panes on a screen.
const AROUND_PX = 400;
const FREE = "free";
// Keys of a slider come one after another.
const REST_MS = 250;

class Viewer {
  constructor(root) {
    this.root = root;
    this.section = root.querySelector(".viewer");
    this.canvases = {};
    for (const pane of root.querySelectorAll(".pane")) {
      this.canvases[pane.dataset.pane] = pane.querySelector("canvas");
    }
    this.shades = document.createElement("canvas");
    this.colors = document.createElement("canvas");
    this.lit = null;
    this.waiting = 0;
    this.opacityTold = new Set();
    this.leaving = new AbortController();
    this.listen();
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.section);
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  say(name, values = {}) {
    // A value is text and never a pattern: each place is filled once.
    return this.words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  }

  // --- what comes from the page ------------------------------------------------------------

  async update(data) {
    this.words = data.strings;
    this.label();
    this.data = data;
    const fresh = this.film?.digest !== data.film;
    let begun = 0;
    if (fresh) {
      this.part("status").textContent = this.say("loading");
      try {
        const entry = expectFilm(data.film);
        const film = await entry.film;
        begun = entry.begun;
        // Meanwhile the page may have gone on to another film, or to another opacity.
        if (this.data !== data || this.leaving.signal.aborted) return;
        this.film = film;
      } catch (error) {
        this.part("status").textContent = this.say("failed");
        throw error;
      }
      this.section.hidden = false;
      this.open();
    }
    this.part("status").textContent = "";
    // What was set here comes back with the next run of the page, perhaps after another change.
    const echo = this.opacityTold.has(data.opacity);
    if (!echo && this.opacityGiven !== data.opacity) this.part("opacity").value = 100 * data.opacity;
    this.opacityGiven = data.opacity;
    if (data.evidence) paintMap(this.colors, data.evidence);
    this.listRegions();
    this.draw();
    if (fresh) this.part("stage").dataset.firstDrawMs = (performance.now() - begun).toFixed(1);
  }

  label() {
    for (const element of this.root.querySelectorAll("[data-text]")) {
      element.textContent = this.words[element.dataset.text];
    }
    for (const element of this.root.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.words[element.dataset.label]);
    }
  }

  // A film that was not shown before: fitted, and as read.
  open() {
    this.place = new Place(this.film.width, this.film.height);
    this.part("invert").checked = false;
    this.part("divider").value = 50;
    this.choose("tool", "move");
    this.listPresets();
    this.choosePreset("table:0");
  }

  listPresets() {
    const { tables, windows, unit } = this.film;
    const options = tables.map((table, number) => {
      const name = number ? this.say(`file_${table.kind}`, { number }) : this.say("as_read");
      return [`table:${number}`, table.name ? `${name}: ${table.name}` : name];
    });
    windows.forEach((one, number) => options.push([`window:${number}`, this.say(one.name)]));
    options.push([FREE, this.say("free")]);
    this.part("preset").replaceChildren(
      ...options.map(([value, text]) => {
        const option = document.createElement("option");
        option.value = value;
        option.textContent = text;
        return option;
      }),
    );
    const units = unit ? this.say("in_unit", { unit }) : "";
    this.part("center-name").textContent = `${this.say("center")}${units}`;
    this.part("width-name").textContent = `${this.say("width")}${units}`;
    const step = 10 ** Math.floor(Math.log10(Math.max(tables[0].width, 1e-9) / 2000));
    for (const name of ["center", "width"]) this.part(name).step = Math.max(step, 1e-9);
    this.step = step;
  }

  listRegions() {
    const regions = this.data.regions ?? [];
    this.regions = regions.map((region) => ({ ...region, path: tracePath(region.lines) }));
    this.lit = null;
    this.part("sentence").textContent = "";
    this.part("regions").hidden = !regions.length;
    this.part("outlines-field").hidden = !regions.length;
    this.part("sentence").hidden = !regions.length;
    this.part("regions").querySelector("ol").replaceChildren(
      ...regions.map((region, number) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = String(number + 1);
        button.setAttribute("aria-label", `${number + 1}. ${region.sentence}`);
        button.addEventListener("pointerenter", () => this.light(number));
        button.addEventListener("focus", () => this.light(number));
        button.addEventListener("click", () => this.light(number));
        button.addEventListener("pointerleave", () => this.light(null));
        button.addEventListener("blur", () => this.light(null));
        item.append(button);
        return item;
      }),
    );
  }

  light(number) {
    if (this.lit === number) return;
    this.lit = number;
    const region = number === null ? null : this.regions[number];
    this.part("sentence").textContent = region ? `${number + 1}. ${region.sentence}` : "";
    this.part("regions").querySelectorAll("button").forEach((button, at) => {
      button.classList.toggle("lit", at === number);
    });
    this.redraw();
  }

  // --- the window --------------------------------------------------------------------------

  choosePreset(value) {
    const [kind, number] = value.split(":");
    this.preset = value;
    if (kind !== FREE) {
      const one = this.film[`${kind}s`][Number(number)];
      this.center = one.center;
      this.width = one.width;
      this.grey = kind === "table" ? one.grey : windowGrey(this.film, one.center, one.width);
    } else {
      this.grey = windowGrey(this.film, this.center, this.width);
    }
    this.showWindow();
  }

  setWindow(center, width) {
    if (!Number.isFinite(center) || !(width > 0)) {
      this.showWindow();
      return;
    }
    this.center = center;
    this.width = Math.max(width, this.step);
    this.choosePreset(FREE);
  }

  showWindow() {
    this.part("preset").value = this.preset;
    this.part("center").value = this.round(this.center);
    this.part("width").value = this.round(this.width);
    this.stale = true;
    this.redraw();
  }

  round(value) {
    return Number((Math.round(value / this.step) * this.step).toPrecision(12));
  }

  // --- drawing -----------------------------------------------------------------------------

  choose(name, value) {
    this.root.querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
  }

  chosen(name) {
    return this.root.querySelector(`input[name="${name}"]:checked`).value;
  }

  redraw() {
    if (this.waiting || !this.film) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.film && !this.section.hidden) this.draw();
    });
  }

  draw() {
    // Two pictures beside one another need room; until somebody chooses, the width decides.
    const narrow = this.section.clientWidth < NARROW_PX;
    if (!this.layoutChosen) this.choose("layout", narrow ? "wipe" : "side");
    const layout = this.data.evidence ? this.chosen("layout") : "film";
    if (this.stale) paintFilm(this.shades, this.film, this.grey, this.part("invert").checked);
    this.stale = false;
    this.arrange(layout, narrow);
    const share = Number(this.part("divider").value) / 100;
    if (layout === "side" || layout === "film") this.drawPane("film", 1);
    if (layout === "side" || layout === "overlay") this.drawPane("evidence", 0);
    if (layout === "wipe") this.drawPane("evidence", share);
    this.tell(layout, share);
  }

  arrange(layout, narrow) {
    const stage = this.part("stage");
    stage.classList.toggle("single", layout !== "side");
    stage.classList.toggle("stacked", narrow);
    stage.classList.toggle("fitted", this.place.zoom === 1);
    stage.classList.toggle("windowing", this.chosen("tool") === "window");
    this.root.querySelector('[data-pane="film"]').hidden = layout === "wipe" || layout === "overlay";
    this.root.querySelector('[data-pane="evidence"]').hidden = layout === "film";
    this.root.querySelector(".handle").hidden = layout !== "wipe";
    this.part("wipe-field").hidden = layout !== "wipe";
    this.part("layout").hidden = layout === "film";
    this.part("opacity-field").hidden = layout === "film";
    const shown = this.canvases[layout === "film" ? "film" : "evidence"];
    const width = shown.parentElement.clientWidth;
    const most = Math.max(LEAST_HEIGHT_PX, window.innerHeight - AROUND_PX);
    const height = Math.round(Math.min((width * this.film.height) / this.film.width, most));
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of Object.values(this.canvases)) {
      canvas.style.height = `${height}px`;
      const size = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
      if (canvas.width !== size[0]) canvas.width = size[0];
      if (canvas.height !== size[1]) canvas.height = size[1];
    }
  }

  // Draw the film, and right of `divider` (a share of the pane's width) the evidence over it.
  drawPane(name, divider) {
    const canvas = this.canvases[name];
    const context = canvas.getContext("2d");
    const scale = this.place.scale(canvas);
    const corner = this.place.corner(canvas);
    const { width, height } = this.film;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.setTransform(scale, 0, 0, scale, corner.x, corner.y);
    context.drawImage(this.shades, 0, 0, width, height);
    if (name === "evidence" && this.data.evidence && divider < 1) {
      const [left, top, right, bottom] = this.data.evidence.box;
      const from = Math.round(divider * canvas.width);
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(from, 0, canvas.width - from, canvas.height);
      context.clip();
      this.drawMarks(context, canvas, [scale, 0, 0, scale, corner.x, corner.y], () => {
        context.beginPath();
        context.rect(0, 0, width, height);
        context.clip();
        context.globalAlpha = Number(this.part("opacity").value) / 100;
        context.drawImage(this.colors, left, top, right - left, bottom - top);
      });
      context.restore();
    }
    Object.assign(canvas.dataset, { scale, left: corner.x, top: corner.y });
  }

  drawMarks(context, canvas, transform, paint) {
    context.save();
    context.setTransform(...transform);
    paint();
    context.restore();
    if (!this.regions.length || !this.part("outlines").checked) return;
    const ratio = window.devicePixelRatio || 1;
    const matrix = new DOMMatrix(transform);
    const font = getComputedStyle(this.section).fontFamily;
    drawOutlines(context, this.regions, this.lit, matrix, ratio, this.data.ink);
    drawNumbers(context, this.regions, matrix, ratio, this.data.ink, font);
  }

  tell(layout, share) {
    const percent = (value) => this.say("percent", { value: Math.round(value) });
    this.part("zoom-value").textContent = percent(100 * this.place.zoom);
    this.part("opacity-value").textContent = percent(Number(this.part("opacity").value));
    this.part("evidence-title").textContent = this.say(layout === "wipe" ? "wipe_title" : "evidence");
    this.root.querySelector(".handle").style.left = `${100 * share}%`;
    this.canvases.film.setAttribute("aria-label", this.data.words.film);
    this.canvases.evidence.setAttribute("aria-label", this.data.words.evidence);
  }

  // --- what people do ----------------------------------------------------------------------

  listen() {
    const { signal } = this.leaving;
    const on = (target, kind, act, options = {}) => {
      target.addEventListener(kind, act, { ...options, signal });
    };
    // The page has keys of its own; what is typed here is not for it.
    on(this.section, "keydown", (event) => event.stopPropagation());
    on(window, "resize", () => this.redraw());
    on(this.part("preset"), "change", (event) => this.choosePreset(event.target.value));
    for (const name of ["center", "width"]) {
      on(this.part(name), "change", () => {
        this.setWindow(this.part("center").valueAsNumber, this.part("width").valueAsNumber);
      });
    }
    on(this.part("invert"), "change", () => this.showWindow());
    on(this.part("window-reset"), "click", () => {
      this.part("invert").checked = false;
      this.choosePreset("table:0");
    });
    for (const name of ["opacity", "divider"]) on(this.part(name), "input", () => this.redraw());
    on(this.part("opacity"), "change", () => this.tellOpacity());
    on(this.part("outlines"), "change", () => this.redraw());
    for (const radio of this.root.querySelectorAll("input[type=radio]")) {
      on(radio, "change", () => {
        if (radio.name === "layout") this.layoutChosen = radio.value;
        this.redraw();
      });
    }
    on(this.part("zoom-in"), "click", () => this.zoom(1.25));
    on(this.part("zoom-out"), "click", () => this.zoom(0.8));
    on(this.part("fit"), "click", () => this.fit());
    new Hands(this, Object.values(this.canvases), on);
    const handle = this.root.querySelector(".handle");
    on(handle, "pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    on(handle, "pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const frame = handle.parentElement.getBoundingClientRect();
      this.part("divider").value = (100 * (event.clientX - frame.left)) / frame.width;
      this.redraw();
    });
  }

  // Once, when the slider rests: the page has pictures to save that follow it.
  tellOpacity() {
    clearTimeout(this.telling);
    if (!this.data.tells_opacity) return;
    this.telling = setTimeout(() => {
      const share = Number(this.part("opacity").value) / 100;
      this.opacityTold.add(share);
      this.setTriggerValue("opacity", share);
    }, REST_MS);
  }

  pane() {
    return this.canvases[this.data.evidence ? "evidence" : "film"];
  }

  zoom(factor) {
    this.place.zoomBy(factor, this.pane());
    this.redraw();
  }

  fit() {
    this.place.fit();
    this.redraw();
  }

  leave() {
    this.leaving.abort();
    clearTimeout(this.telling);
    this.observer.disconnect();
    cancelAnimationFrame(this.waiting);
  }
}

// One viewer for each place on the page: it keeps zoom and window when the page runs again.
const viewers = new WeakMap();
const held = new WeakMap();

export default function show({ data: given, parentElement, setTriggerValue }) {
  if (given instanceof Uint8Array) {
    provideFilm(parentElement, given, held);
    return () => {
      releaseFilm(held.get(parentElement), parentElement);
      held.delete(parentElement);
    };
  }
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = new Viewer(parentElement);
    viewers.set(parentElement, viewer);
  }
  viewer.setTriggerValue = setTriggerValue;
  viewer.update(given[0]);
  return () => {
    viewer.leave();
    viewers.delete(parentElement);
  };
}
