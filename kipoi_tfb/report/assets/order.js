// Rows in order, and as CSV. They are drawn a part at a time; all are sorted and searched.

const PART = 100;

// Where each row stands by a column, as a number; NaN where it has no value, which comes last in either direction.
const collator = new Intl.Collator("en", {numeric: true});
const numbers = value => rows => Float64Array.from(rows, row => value(row) ?? NaN);
function texts(value) {
  return rows => {
    const different = [...new Set(rows.map(value))].sort(collator.compare);
    const order = new Map(different.map((said, i) => [said, said === "" ? NaN : i]));
    return Float64Array.from(rows, row => order.get(value(row)));
  };
}
// Values of INFO are numbers if all of them are.
function numbersOrTexts(value) {
  return rows => {
    const numeric = rows.every(row => value(row) === "" || !isNaN(value(row)));
    return (numeric ? numbers(row => (value(row) === "" ? NaN : +value(row))) : texts(value))(rows);
  };
}
const onGenome = rows => texts(row => row.chrom)(rows).map((place, i) => place * 2 ** 33 + rows[i].pos);

function compare(x, y, sign) {
  return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : (x - y) * sign;
}

function markOrder(name, down) {
  for (const head of document.querySelectorAll("th[data-column]")) {
    head.setAttribute("aria-sort", head.dataset.column !== name ? "none" : down ? "descending" : "ascending");
  }
}

// A cell that a spreadsheet would take for a formula gets an apostrophe, as in the tables of `tfb score`.
function csvCell(value) {
  let written = value == null ? "" : String(value);
  if (/^[=+\-@\t\r\n']/.test(written) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(written))
    written = `'${written}`;
  return /[",\n\r]/.test(written) ? `"${written.replace(/"/g, '""')}"` : written;
}

const csvOf = lines => lines.map(line => line.map(csvCell).join(",") + "\r\n").join("");

function save(written, name) {
  const address = URL.createObjectURL(new Blob(["\ufeff", written], {type: "text/csv"}));
  html("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 5000);
}
