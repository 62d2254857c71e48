// Rows of numbers as text: tab-separated for the clipboard, comma-separated for a file.

export type Row = readonly (string | number)[];

/** Tab-separated: tabs and line ends inside a value become visible escapes, so that a row stays a row. */
export function toTsv(rows: Iterable<Row>): string {
  return Array.from(rows, (row) => row.map((value) => escapeTabs(text(value))).join("\t")).join("\n");
}

/** Comma-separated, as RFC 4180 quotes it. */
export function toCsv(rows: Iterable<Row>): string {
  return Array.from(rows, (row) => `${row.map((value) => quote(value)).join(",")}\r\n`).join("");
}

function text(value: string | number): string {
  return typeof value === "number" && Number.isNaN(value) ? "" : String(value);
}

function escapeTabs(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

function quote(value: string | number): string {
  const plain = text(value);
  return typeof value === "string" && /[",\r\n]|^\s|\s$/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Answer the copy command inside an element, unless text is selected there. */
export function onCopy(root: HTMLElement, rows: () => Iterable<Row> | null): void {
  root.addEventListener("copy", (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (typing || !event.clipboardData || document.getSelection()?.toString()) return;
    const selected = rows();
    if (selected === null) return;
    event.clipboardData.setData("text/plain", toTsv(selected));
    event.preventDefault();
    event.stopPropagation();
  });
}
