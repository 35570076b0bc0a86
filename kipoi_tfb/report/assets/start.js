// What is empty is left out of the file.
function complete(report) {
  for (const row of report.rows) {
    row.info ??= {};
    row.bound ??= [];
    const plain = `${row.pos}:${row.ref}>${row.alt}`;
    row.respelt = row.normal !== "." && !row.normal.toUpperCase().endsWith(`:${plain}`.toUpperCase());
    for (const group of row.groups ?? []) group.sentence ??= "";
  }
  for (const detail of Object.values(report.details)) {
    for (const name of ["groups", "bound", "tfs", "leads", "offsets", "tracks", "unknown", "cannot"])
      detail[name] ??= [];
    for (const tf of detail.tfs) {
      if (tf.site) tf.site.letters ??= [];
      tf.used ??= [];
    }
  }
  return report;
}

function begin(report) {
  const state = {open: null},
    table = makeTable(report, state);
  const numbered = new Map(report.rows.map(row => [row.number, row]));

  function links(row) {
    const shown = table.shown(),
      at = shown.indexOf(row);
    const link = (other, label) => other && html("a", {class: "button", href: `#v${other.number}`}, label);
    return html(
      "nav",
      {"aria-label": "Between variants"},
      at > 0 && link(shown[at - 1], "\u2190 Previous"),
      at >= 0 && link(shown[at + 1], "Next \u2192"),
      html("a", {class: "button", href: "#table"}, "Table"),
    );
  }

  function show(row, move) {
    state.open = row.number;
    table.draw();
    byId("one").replaceChildren(article(row, report, "open", links(row)));
    for (const box of document.querySelectorAll("#one figure .scroll")) {
      box.scrollLeft = Math.max(0, (box.scrollWidth - box.clientWidth) / 2);
    }
    if (!move) return;
    byId("detail").scrollIntoView();
    byId("heading-open").focus({preventScroll: true});
  }

  function follow(move) {
    const found = /^#v(\d+)$/.exec(location.hash),
      row = found && numbered.get(+found[1]);
    if (row) show(row, move);
    else if (found)
      byId("one").replaceChildren(
        html("p", {class: "lead", role: "status"}, `Allele ${found[1]} is not in this report.`),
      );
    return found != null;
  }

  const paper = byId("printed");
  addEventListener("beforeprint", () => {
    if (!byId("with-details").checked || paper.firstChild) return;
    const rows = table.drawn().filter(row => report.details[row.number]);
    paper.append(...rows.map(row => article(row, report, `printed-${row.number}`, null)));
  });
  addEventListener("afterprint", () => paper.replaceChildren());
  addEventListener("hashchange", () => follow(true));
  byId("print").addEventListener("click", () => print());
  if (!follow(true) && table.shown().length) show(table.shown()[0], false);
}

start(report => begin(complete(report)));
