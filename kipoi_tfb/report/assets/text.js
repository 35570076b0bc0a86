// Elements and numbers. Every string becomes a text node or an attribute's value, never markup.

const SVG = "http://www.w3.org/2000/svg";
const byId = id => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(9)) {
    if (child != null && child !== false && child !== "") element.append(child);
  }
  return element;
}
const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const MINUS = "\u2212",
  ARROW = "\u2192",
  DASH = "\u2013",
  ELLIPSIS = "\u2026";
const unsigned = (value, digits) => value.toFixed(digits).replace("-", MINUS);
const signed = (value, digits = 2) => {
  if (value == null) return DASH;
  if (Math.abs(value) < 0.5 * 10 ** -digits) return (0).toFixed(digits);
  return (value > 0 ? "+" : "") + unsigned(value, digits);
};
const probability = p => (p == null ? DASH : p < 0.01 ? "<0.01" : p > 0.99 ? ">0.99" : p.toFixed(2));
const percentile = value =>
  value == null ? DASH : value < 0.05 ? "<0.1" : value >= 99.95 ? ">99.9" : value.toFixed(1);
const position = value => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
const fromTo = (pRef, pAlt) => `${probability(pRef)}\u00A0${ARROW}\u00A0${probability(pAlt)}`;
const place = row => `${row.chrom}:${position(row.pos)}`;
const short = (bases, most) => (bases.length > most ? bases.slice(0, most - 1) + ELLIPSIS : bases);
// In the table and in headings a long allele is cut, with its length; the CSV has it whole.
const allele = bases => (bases.length > 24 ? `${bases.slice(0, 20)}${ELLIPSIS} (${bases.length} bp)` : bases);
const change = row => `${allele(row.ref)}>${allele(row.alt)}`;
const listed = (names, most) =>
  names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
// What becomes of a group, and of which TFs: a title that names its one TF says both.
const titled = (group, most) =>
  group.tfs.length === 1 && group.title.startsWith(`${group.tfs[0]} `)
    ? group.title
    : `${group.title}: ${listed(group.tfs, most)}`;
const scored = row => row.groups != null;
// A long name may break behind its separators.
const breakable = text => text.split(/(?<=[_:;,|&])/).flatMap((part, i) => (i ? [html("wbr"), part] : [part]));
const capital = text => (/^[a-z][a-z]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text);
const mark = group => (group.rises ? (group.crosses ? "\u25B2" : "\u25B3") : group.crosses ? "\u25BC" : "\u25BD");
const way = group => (group.rises ? "up" : "down");
const NO_MOTIF = " (no own motif changes)";
