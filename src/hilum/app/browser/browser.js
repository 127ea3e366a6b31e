// Says Streamlit's own words in the visitor's language, and names what it leaves without a name.
//
// Only Streamlit's widgets are looked at: what hilum writes, and what a visitor calls a film, stand
// in other elements or in no word of the list. A node keeps its English, so that the language can
// change back.

const WIDGETS = [
  "stFileUploader", "stMultiSelect", "stSelectbox", "stNumberInput", "stTextInput",
  "stDataFrame", "stDataFrameColumnMenu", "stVegaLiteChart", "stElementToolbar",
  "stTooltipIcon", "stTooltipContent", "stSelectboxVirtualDropdown",
].map((name) => `[data-testid="${name}"]`).concat('[role="dialog"]').join(",");
const NAMES = ["aria-label", "placeholder", "title"];
// Elements inside of widgets whose words are a visitor's or hilum's own.
const OWN = '[data-testid="stWidgetLabel"], [data-testid="stFileUploaderFileName"], [role="option"]';

let words = [];
let languages = {};
let observer = null;
const english = new WeakMap();

function readWords(given) {
  return Object.entries(given).map(([word, said]) => {
    const [before, after] = word.split("*");
    return { before, after, said };
  });
}

function say(text) {
  for (const { before, after, said } of words) {
    if (after === undefined) {
      if (text === before) return said;
    } else if (
      text.length > before.length + after.length && text.startsWith(before) && text.endsWith(after)
    ) {
      const rest = text.slice(before.length, text.length - after.length);
      return said.replaceAll("{rest}", () => rest);
    }
  }
  return text;
}

// What a node said in English: unless Streamlit has written anew since.
function recall(holder, slot, now) {
  const kept = english.get(holder)?.[slot];
  return kept && kept.said === now ? kept.word : now;
}

function keep(holder, slot, word, said) {
  const kept = english.get(holder) ?? {};
  kept[slot] = { word, said };
  english.set(holder, kept);
}

function sayText(node) {
  const word = recall(node, "text", node.data);
  const said = say(word);
  if (said !== node.data) {
    keep(node, "text", word, said);
    node.data = said;
  }
}

function sayNames(element) {
  for (const name of NAMES) {
    const now = element.getAttribute(name);
    if (now === null) continue;
    const word = recall(element, name, now);
    const said = say(word);
    if (said !== now) {
      keep(element, name, word, said);
      element.setAttribute(name, said);
    }
  }
}

function sayWidget(widget) {
  sayNames(widget);
  const walker = document.createTreeWalker(
    widget, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
  );
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.ELEMENT_NODE) sayNames(node);
    else if (!node.parentElement.closest(OWN)) sayText(node);
  }
}

// Each language is named in itself, and read aloud so.
function markLanguages() {
  for (const button of document.querySelectorAll(".st-key-language button")) {
    const code = Object.keys(languages).find((one) => languages[one] === button.textContent.trim());
    if (code && button.lang !== code) button.lang = code;
  }
}

// A table that is wider than its place is scrolled by the keyboard too.
function reachTables() {
  for (const table of document.querySelectorAll(".st-key-card_text table")) {
    if (!table.hasAttribute("tabindex")) table.tabIndex = 0;
  }
}

function sayAll() {
  markLanguages();
  reachTables();
  for (const widget of document.querySelectorAll(WIDGETS)) sayWidget(widget);
}

export default function tell({ data: [data] }) {
  document.documentElement.lang = data.language;
  words = readWords(data.words);
  languages = data.languages;
  sayAll();
  if (!observer) {
    let waiting = false;
    observer = new MutationObserver(() => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        sayAll();
      });
    });
    observer.observe(document.body, {
      subtree: true, childList: true, characterData: true,
      attributes: true, attributeFilter: NAMES,
    });
  }
  // The observer stays with the document: pages come and go, and all are to be said.
}
