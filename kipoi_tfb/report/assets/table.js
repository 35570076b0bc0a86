// The table of variants: columns, order, filter, and the rows as CSV.

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
      : row.groups.map(group => titled(group, Infinity)).join("; ");

const columnsOf = info => [
  {name: "variant", title: "Variant", upward: true, places: onGenome},
  {name: "id", title: "ID", upward: true, places: texts(row => (row.id === "." ? "" : row.id))},
  ...info.map((field, i) => ({
    name: `info-${i}`,
    title: field,
    upward: true,
    places: numbersOrTexts(row => row.info[field] || ""),
  })),
  {name: "said", title: "What the model predicts", upward: true, places: texts(row => row.words)},
  {name: "impact", title: "Largest impact", places: numbers(row => row.largest_impact && Math.abs(row.largest_impact))},
  {name: "p", title: `P, REF ${ARROW} ALT, top TF`, places: numbers(row => row.p_alt - row.p_ref)},
  {name: "percentile", title: "Variant percentile", places: numbers(row => row.variant_percentile)},
];

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

  report.rows.forEach((row, i) => Object.assign(row, {index: i, kindOf: kindOf(row), words: inWords(row)}));

  const placesBy = column => (column.found ??= column.places(report.rows));
  const textOf = row => (row.searched ??= searched(row, report.info));

  function refresh() {
    const words = byId("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const places = placesBy(sort.column),
      sign = sort.down ? -1 : 1;
    shown = report.rows.filter(row => isKind(row, kind) && words.every(word => textOf(row).includes(word)));
    shown.sort((a, b) => compare(places[a.index], places[b.index], sign) || a.number - b.number);
    drawn = PART;
    draw();
  }

  // What the first sort by a column and the first search need is made while nobody waits for it.
  function prepare() {
    const soon = window.requestIdleCallback ?? setTimeout;
    const column = columns.find(each => !each.found);
    if (column) placesBy(column);
    else {
      const rest = report.rows.filter(row => row.searched == null).slice(0, 1000);
      if (!rest.length) return;
      rest.forEach(textOf);
    }
    soon(prepare);
  }

  function draw() {
    markOrder(sort.column.name, sort.down);
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
    sort = {column, down: down ?? (sort.column === column ? !sort.down : !column.upward)};
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
  byId("order").addEventListener("change", event => sortBy(event.target.value, !find(event.target.value).upward));
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
  byId("csv").addEventListener("click", () => save(rowsAsCsv(shown, report.info), `${report.name}.csv`));
  refresh();
  prepare();
  return {shown: () => shown, drawn: () => shown.slice(0, drawn), draw};
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
          titled(group, 5).slice(group.title.length),
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

function rowsAsCsv(rows, info) {
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
  return csvOf(lines);
}
