// The table: columns, order, filter, and the rows as CSV. Rows are drawn a part at a time; all are sorted and searched.

const PART = 200;

// What a row changes: "un"scored, "no" change, "up", "down", or both.
const kindOf = row =>
  !scored(row)
    ? "un"
    : !row.groups.length
      ? "no"
      : row.groups.every(g => g.rises)
        ? "up"
        : row.groups.every(g => !g.rises)
          ? "down"
          : "both";
const KINDS = [
  ["all", "All"],
  ["down", "\u25BC Lost or weakened"],
  ["up", "\u25B2 Gained or strengthened"],
  ["no", "\u25CB No change"],
  ["un", "\u2014 Not scored"],
];
const isKind = (row, kind) =>
  kind === "all" || row.kindOf === kind || (row.kindOf === "both" && (kind === "up" || kind === "down"));

const inWords = row =>
  !scored(row)
    ? `Not scored: ${row.why_not}`
    : !row.groups.length
      ? "No change predicted"
      : row.groups.map(group => `${group.title}: ${group.tfs.join(", ")}`).join("; ");

const text = new Intl.Collator("en", {numeric: true});
const by = value => (a, b) => value(a) - value(b);
const byText = value => (a, b) => text.compare(value(a), value(b));
const LAST = -1e9;
const columnsOf = info => [
  {name: "variant", title: "Variant", text: true, rank: byText(row => row.chrom), then: by(row => row.pos)},
  {name: "id", title: "ID", text: true, rank: byText(row => row.id)},
  ...info.map((field, i) => ({name: `info-${i}`, title: field, text: true, ...byValue(row => row.info[field] || "")})),
  {name: "said", title: "What the model predicts", text: true, rank: byText(row => row.words)},
  {
    name: "impact",
    title: "Largest impact",
    rank: by(row => (row.largest_impact == null ? LAST : Math.abs(row.largest_impact))),
  },
  {
    name: "p",
    title: `P, REF ${ARROW} ALT, top TF`,
    rank: by(row => (row.p_ref == null ? LAST : row.p_alt - row.p_ref)),
  },
  {name: "percentile", title: "Variant percentile", rank: by(row => row.variant_percentile ?? LAST)},
];

// Numbers of INFO sort as numbers; an empty value comes last, whatever the direction.
function byValue(value) {
  const number = row => {
    const said = value(row);
    return said === "" || isNaN(said) ? null : +said;
  };
  return {
    empty: row => value(row) === "",
    rank: (a, b) => {
      const x = number(a),
        y = number(b);
      return x != null && y != null ? x - y : x != null ? -1 : y != null ? 1 : text.compare(value(a), value(b));
    },
  };
}

// Each row's place by each column, found when it is first sorted by: sorting again compares whole numbers.
function placesBy(column, rows) {
  if (!column.places) {
    const order = rows.slice().sort((a, b) => column.rank(a, b) || (column.then ? column.then(a, b) : 0));
    let place = 0;
    column.places = new Map(
      order.map((row, i) => [
        row,
        i && column.rank(order[i - 1], row) === 0 && !(column.then && column.then(order[i - 1], row))
          ? place
          : (place = i),
      ]),
    );
  }
  return column.places;
}

function searched(row, info) {
  const bare = `${row.chrom}:${row.pos}`;
  return [
    bare,
    `${bare}:${row.ref}>${row.alt}`,
    `${row.chrom}-${row.pos}-${row.ref}-${row.alt}`,
    `${place(row)} ${change(row)}`,
    row.id,
    row.normal,
    row.status,
    row.flags,
    ...info.map(field => row.info[field] || ""),
    row.words,
    (row.bound || []).join(" "),
  ]
    .join("\n")
    .toLowerCase();
}

function makeTable(report, state) {
  const columns = columnsOf(report.info),
    body = byId("rows");
  const find = name => columns.find(column => column.name === name);
  let shown = [],
    sort = {column: find("impact"), down: true},
    kind = "all",
    drawn = PART;

  for (const row of report.rows) {
    row.kindOf = kindOf(row);
    row.words = inWords(row);
  }

  function refresh() {
    const words = byId("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const places = placesBy(sort.column, report.rows),
      sign = sort.down ? -1 : 1,
      empty = sort.column.empty;
    if (words.length) for (const row of report.rows) row.searched ??= searched(row, report.info);
    shown = report.rows.filter(row => isKind(row, kind) && words.every(word => row.searched.includes(word)));
    shown.sort(
      (a, b) => (empty ? empty(a) - empty(b) : 0) || (places.get(a) - places.get(b)) * sign || a.number - b.number,
    );
    drawn = PART;
    draw();
  }

  function draw() {
    for (const head of document.querySelectorAll("th[data-column]")) {
      head.setAttribute(
        "aria-sort",
        head.dataset.column !== sort.column.name ? "none" : sort.down ? "descending" : "ascending",
      );
    }
    body.replaceChildren(...shown.slice(0, drawn).map(row => tableRow(row, report, state.open === row.number)));
    if (!shown.length)
      body.append(
        html(
          "tr",
          {role: "row"},
          html(
            "td",
            {role: "cell", colspan: columns.length + 1, class: "nothing"},
            "No variant matches. Clear the search or choose All.",
          ),
        ),
      );
    const there = Math.min(drawn, shown.length);
    byId("count").textContent =
      `${position(shown.length)} of ${position(report.rows.length)} alleles` +
      (there < shown.length ? `, the first ${position(there)} drawn` : "");
    byId("more").hidden = there >= shown.length;
    byId("order").value = sort.column.name;
    for (const chip of document.querySelectorAll(".chips button"))
      chip.setAttribute("aria-pressed", chip.dataset.kind === kind);
  }

  function sortBy(name, down) {
    const column = find(name);
    sort = {column, down: down ?? (sort.column === column ? !sort.down : !column.text)};
    refresh();
  }

  function more() {
    const from = drawn;
    drawn += PART;
    draw();
    body.children[from]?.querySelector("a")?.focus();
  }

  for (const head of document.querySelectorAll("th[data-column]")) {
    head.querySelector("button").addEventListener("click", () => sortBy(head.dataset.column));
  }
  for (const column of columns) byId("order").append(html("option", {value: column.name}, column.title));
  byId("order").addEventListener("change", event => sortBy(event.target.value, !find(event.target.value).text));
  for (const [name, title] of KINDS) {
    const count = report.rows.filter(row => isKind(row, name)).length;
    byId("chips").append(
      html(
        "button",
        {
          class: "button",
          type: "button",
          "data-kind": name,
          click: () => {
            kind = name;
            refresh();
          },
        },
        `${title} (${position(count)})`,
      ),
    );
  }
  byId("search").addEventListener("input", refresh);
  byId("more-rows").addEventListener("click", more);
  byId("csv").addEventListener("click", () => save(csv(shown, report.info), `${report.name}.csv`));
  refresh();
  return {shown: () => shown, drawn: () => shown.slice(0, drawn), draw, columns};
}

function said(row) {
  if (!scored(row))
    return html(
      "ul",
      {class: "said"},
      html(
        "li",
        {},
        html("span", {class: "mark", "aria-hidden": "true"}, "\u2014"),
        html("span", {}, html("b", {}, "Not scored: "), row.why_not),
      ),
    );
  const items = row.groups
    .slice(0, 2)
    .map(group =>
      html(
        "li",
        {},
        html("span", {class: `mark ${way(group)}`, "aria-hidden": "true"}, mark(group)),
        html(
          "span",
          {},
          html("b", {class: way(group)}, group.title),
          ": ",
          listed(group.tfs, 5),
          group.own_site === false && NO_MOTIF,
        ),
      ),
    );
  if (!items.length)
    items.push(
      html(
        "li",
        {},
        html("span", {class: "mark", "aria-hidden": "true"}, "\u25CB"),
        html("b", {}, "No change predicted"),
      ),
    );
  const rest = row.groups.length - items.length;
  const under = [
    rest > 0 && `${rest} smaller change${rest > 1 ? "s" : ""} in the detail`,
    row.bound.length
      ? `Bound with either allele: ${listed(row.bound, 4)}`
      : !row.groups.length && "No TF is predicted to bind either allele",
  ]
    .filter(Boolean)
    .join(". ");
  return [html("ul", {class: "said"}, items), under && html("span", {class: "under"}, under)];
}

// A cell without a value has a dash; where rows are cards it is left out.
function cell(label, kind, content) {
  const attributes = {role: "cell", "data-label": label};
  if (content != null) return html("td", {...attributes, class: kind}, content);
  return html("td", {...attributes, class: `${kind} none`}, html("span", {class: "soft"}, DASH));
}

function tableRow(row, report, open) {
  const tf = row.largest_tf;
  return html(
    "tr",
    {role: "row", class: open && "current", "aria-current": open && "true"},
    html(
      "th",
      {scope: "row", role: "rowheader"},
      html("span", {class: "where"}, `${place(row)} `, html("span", {class: "mono breaks"}, change(row))),
      row.respelt && html("span", {class: "under"}, "scored as ", html("span", {class: "mono"}, row.normal)),
    ),
    cell("ID", "breaks", row.id === "." ? null : html("span", {class: "small"}, breakable(row.id))),
    report.info.map(field => cell(field, "third breaks", row.info[field] ? breakable(row.info[field]) : null)),
    cell("What the model predicts", "", said(row)),
    cell(
      "Impact",
      "number third",
      tf && [html("b", {}, signed(row.largest_impact)), html("span", {class: "under"}, tf)],
    ),
    cell(
      `P, REF ${ARROW} ALT`,
      "third",
      tf && [
        dumbbell(row.p_ref, row.p_alt, row.groups.length),
        html("span", {class: "under"}, `${tf} ${fromTo(row.p_ref, row.p_alt)}`),
      ],
    ),
    cell(
      "Percentile",
      "number third",
      row.variant_percentile == null
        ? null
        : [percentile(row.variant_percentile), html("br"), share(row.variant_percentile)],
    ),
    html(
      "td",
      {role: "cell", class: "open"},
      html(
        "a",
        {class: "button", href: `#v${row.number}`, "aria-label": `Detail of ${place(row)} ${change(row)}`},
        "Detail",
      ),
    ),
  );
}

// A cell that a spreadsheet would take for a formula gets an apostrophe, as in the tables of `tfb score`.
function csvCell(value) {
  let written = value == null ? "" : String(value);
  if (/^[=+\-@\t\r\n']/.test(written) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(written))
    written = `'${written}`;
  return /[",\n\r]/.test(written) ? `"${written.replace(/"/g, '""')}"` : written;
}

function csv(rows, info) {
  const names = ["chrom", "pos", "id", "ref", "alt", "normal", "status", "flags"];
  const numbers = ["largest_impact", "largest_tf", "p_ref", "p_alt", "variant_percentile"];
  const lines = [
    [...names, ...info, "predicted", ...numbers],
    ...rows.map(row => [
      ...names.map(name => row[name]),
      ...info.map(field => row.info[field]),
      row.words,
      ...numbers.map(name => row[name]),
    ]),
  ];
  return lines.map(line => line.map(csvCell).join(",") + "\r\n").join("");
}

function save(written, name) {
  const address = URL.createObjectURL(new Blob(["\ufeff", written], {type: "text/csv"}));
  html("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 5000);
}
