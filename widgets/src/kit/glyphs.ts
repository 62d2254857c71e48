// Tokens as a person can read them: white space and control characters are visible, everything else is itself.
// mi_nb/widgets/tokens.py has the same rules; both are tested on tests/glyph_cases.json.
import { h } from "./dom";

export interface Glyph {
  text: string;
  /** Marks stand for something that has no ink of its own; they are drawn lighter. */
  mark: boolean;
}

const SPACE = "␣";
const LONGEST_SPACES = 3;
const NAMED = new Map([
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\r", "\\r"],
  ["\u00a0", "NBSP"],
]);
const EMPTY = "∅";
const PLAIN = /^ ?[\x21-\x7e]+$/;
const HIDDEN = /^[\p{C}\p{Z}]$/u;
const COMBINING = /^\p{M}$/u;
const EMOJI = /^[\p{So}\p{Sk}]$/u;
const JOINERS = new Set(["\u200d", "\ufe0f"]);

/** A token cut into text and marks. */
export function glyphs(token: string): Glyph[] {
  if (token === "") return [{ text: EMPTY, mark: true }];
  if (PLAIN.test(token)) {
    return token[0] === " " ? [{ text: SPACE, mark: true }, { text: token.slice(1), mark: false }] : [{ text: token, mark: false }];
  }
  const parts: Glyph[] = [];
  let before = "";
  for (const piece of token.match(/ +|[^ ]/gsu) ?? []) {
    const part = piece[0] === " " ? spaces(piece.length) : character(piece, before);
    const last = parts[parts.length - 1];
    if (last && !last.mark && !part.mark) last.text += part.text;
    else parts.push(part);
    before = piece[piece.length - 1] === " " ? " " : piece;
  }
  return parts;
}

/** The same as one string, for labels and exported text. */
export function visible(token: string): string {
  return glyphs(token)
    .map((part) => part.text)
    .join("");
}

/** Show a token inside an element, as text nodes only. */
export function showToken(element: HTMLElement, token: string): void {
  element.replaceChildren(
    ...glyphs(token).map((part) =>
      part.mark ? h("span", { class: "mi-mark" }, part.text) : document.createTextNode(part.text),
    ),
  );
}

/** A token as an inline element in the code font; its direction does not leak into the text around it. */
export function tokenElement(token: string): HTMLElement {
  const element = h("bdi", { class: "mi-token" });
  showToken(element, token);
  return element;
}

function spaces(count: number): Glyph {
  return { text: count <= LONGEST_SPACES ? SPACE.repeat(count) : `${SPACE}×${count}`, mark: true };
}

function character(text: string, before: string): Glyph {
  const named = NAMED.get(text);
  if (named) return { text: named, mark: true };
  const joiner = JOINERS.has(text);
  if (joiner && (JOINERS.has(before) || EMOJI.test(before))) return { text, mark: false };
  if (joiner || HIDDEN.test(text)) return { text: codePoint(text), mark: true };
  // A combining mark needs something to sit on.
  if (COMBINING.test(text) && (before === "" || /^\s$/.test(before))) return { text: `◌${text}`, mark: false };
  return { text, mark: false };
}

function codePoint(text: string): string {
  return `U+${text.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}
