// A page of one table: rows to sort, search and hand on.

function makeSheet(sheet) {
  const rows = sheet.rows.map((cells, index) => ({
    cells,
    index,
    searched: cells
      .map(cell => cell ?? "")
      .join("\n")
      .toLowerCase(),
  }));
  const columns = sheet.columns.map(({title, digits, kind}, i) => ({
    name: `${i}`,
    title,
    digits,
    kind,
    places: (digits == null ? texts(row => row.cells[i] ?? "") : numbers(row => row.cells[i]))(rows),
  }));
  let shown = rows,
    sort = null,
    drawn = PART;

  const written = (cell, {digits, kind}) =>
    cell == null ? DASH : digits == null ? cell : kind === "probability" ? probability(cell) : unsigned(cell, digits);
  const labelled = (cell, i) => {
    const column = columns[i],
      {title, digits} = column;
    return i
      ? html(
          "td",
          {role: "cell", "data-label": title, class: `third breaks ${digits == null ? "" : "number"}`},
          written(cell, column),
        )
      : html("th", {scope: "row", role: "rowheader", class: "where breaks"}, written(cell, column));
  };

  function refresh() {
    const words = byId("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter(row => words.every(word => row.searched.includes(word)));
    if (sort) {
      const {places} = sort.column,
        sign = sort.down ? -1 : 1;
      shown.sort((a, b) => compare(places[a.index], places[b.index], sign) || a.index - b.index);
    }
    drawn = PART;
    draw();
  }

  function draw() {
    if (sort) markOrder(sort.column.name, sort.down);
    byId("rows").replaceChildren(
      ...shown.slice(0, drawn).map(row => html("tr", {role: "row"}, row.cells.map(labelled))),
    );
    const there = Math.min(drawn, shown.length);
    byId("count").textContent =
      `${position(shown.length)} of ${position(rows.length)} ${sheet.things}` +
      (there < shown.length ? `, the first ${position(there)} drawn` : "");
    byId("more").hidden = there >= shown.length;
  }

  function sortBy(column) {
    sort = {column, down: sort?.column === column ? !sort.down : column.digits != null};
    byId("order").value = column.name;
    refresh();
  }

  for (const column of columns) {
    document.querySelector(`th[data-column="${column.name}"] button`).addEventListener("click", () => sortBy(column));
    byId("order").append(html("option", {value: column.name}, column.title));
  }
  byId("order").selectedIndex = -1; // as the rows come
  byId("order").addEventListener("change", event => sortBy(columns[+event.target.value]));
  byId("search").addEventListener("input", refresh);
  byId("more-rows").addEventListener("click", () => {
    drawn += PART;
    draw();
  });
  byId("csv").addEventListener("click", () =>
    save(csvOf([columns.map(column => column.title), ...shown.map(row => row.cells)]), `${sheet.name}.csv`),
  );
  byId("print").addEventListener("click", () => print());
  refresh();
}

start(makeSheet);
