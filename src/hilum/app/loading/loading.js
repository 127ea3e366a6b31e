// The drop zone that is there before the page is. It leaves when the page's own has come.
(() => {
  const told = TOLD;
  const PATIENCE_MS = 30_000;
  const address = new URLSearchParams(location.search);
  const languages = [address.get("lang"), navigator.language.split("-")[0].toLowerCase()];
  const language = languages.find((one) => Object.hasOwn(told.words, one)) ?? "en";
  const wanted = address.get("theme");
  const theme = Object.hasOwn(told.palettes, wanted) ? wanted : told.theme;
  const words = told.words[language];
  const colors = told.palettes[theme];
  const kept = [];

  document.documentElement.lang = language;
  if (language === "ko") {
    const letters = Uint8Array.from(atob(told.letters), (one) => one.charCodeAt(0));
    const face = new FontFace("Loading Hangul", letters, { unicodeRange: "U+AC00-D7A3" });
    document.fonts.add(face);
  }
  const host = document.createElement("div");
  const screen = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  // In px, as the page has it later: Streamlit makes the root's letters of 16 px ones of 15.
  style.textContent = `
    :host { position: fixed; inset: 0; z-index: 1000000; overflow: auto;
      color-scheme: ${colors.base}; background: ${colors.ground}; color: ${colors.text};
      font: 400 15px/1.5 "Source Sans", sans-serif, "Loading Hangul"; }
    main { padding: 15px 26.25px; max-width: 1760px; }
    header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 3px 16.5px;
      padding-bottom: 9px; margin-bottom: 63px; border-bottom: 1px solid ${colors.line}; }
    h1 { font-size: 19.5px; font-weight: 600; letter-spacing: 0.16em; margin: 0; }
    p { margin: 0; color: ${colors.muted}; overflow-wrap: anywhere; }
    header p { font-size: 13.5px; }
    section { max-width: 292px; }
    section > p:first-child { color: ${colors.text}; margin-bottom: 6px; font-size: 13.5px; }
    .zone { padding: 11.25px; background: ${colors.surface};
      border: 1px solid ${colors.line}; border-radius: 6px; }
    .zone.over { border-color: ${colors.accent}; }
    button { font: inherit; color: inherit; background: none; padding: 6.75px 11.25px;
      border: 1px solid ${colors.line}; border-radius: 6px; cursor: pointer; }
    button:hover { border-color: ${colors.accent}; }
    button:focus-visible { outline: 2px solid ${colors.accent}; outline-offset: 2px; }
    [role="status"] { margin-top: 9px; font-size: 12.6px; }
    @media (max-width: 860px) { main { padding: 11.25px 15px; } section { max-width: none; } }
    :lang(ko) { word-break: keep-all; }
  `;
  const make = (name, parent, text = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  };
  screen.append(style);
  const main = make("main", screen);
  const header = make("header", main);
  make("h1", header, "hilum");
  make("p", header, words.question);
  const section = make("section", main);
  make("p", section, words.drop);
  const zone = make("div", section);
  zone.className = "zone";
  const button = make("button", zone, words.choose);
  const status = make("p", section);
  status.setAttribute("role", "status");
  status.textContent = words.wait;
  document.body.prepend(host);

  const keep = (files) => {
    kept.push(...files);
    if (kept.length) {
      status.textContent = words.taken.replace("{names}", kept.map((one) => one.name).join(", "));
    }
  };
  button.addEventListener("click", () => {
    // Not in the document: the page's own is the only one there.
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => keep(input.files));
    input.click();
  });
  const over = (event) => {
    event.preventDefault();
    zone.classList.add("over");
  };
  const drop = (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    keep(event.dataTransfer.files);
  };
  host.addEventListener("dragover", over);
  host.addEventListener("drop", drop);

  const leave = () => {
    watch.disconnect();
    clearTimeout(patience);
    host.remove();
  };
  const hand = () => {
    const own = document.querySelector('[data-testid="stFileUploader"] input[type="file"]');
    if (own === null) return;
    const focused = screen.activeElement !== null;
    leave();
    if (focused) own.closest('[data-testid="stFileUploader"]').querySelector("button")?.focus();
    if (!kept.length) return;
    const carried = new DataTransfer();
    for (const file of kept) carried.items.add(file);
    own.files = carried.files;
    own.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const watch = new MutationObserver(hand);
  watch.observe(document.body, { childList: true, subtree: true });
  // Then something is wrong, and Streamlit says what.
  const patience = setTimeout(leave, PATIENCE_MS);
})();
