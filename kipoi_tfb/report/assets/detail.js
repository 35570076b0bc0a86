// One allele in full: what is said of it, logos, locus, TFs, and what cannot be said.

function facts(row, detail, info) {
  const named = info.filter(field => row.info[field]).map(field => `${field} ${row.info[field]}`);
  // What a detail cannot say has these in words.
  const said = row.flags.split(";").filter(flag => flag !== "." && !(detail && /^(n_in_window=|edge_padded$)/.test(flag)));
  return [
    row.id !== "." && row.id,
    ...named,
    row.kind,
    row.respelt && `scored as ${row.normal}`,
    row.status === "swapped" && "the genome has ALT, not REF",
    said.join(";"),
    row.variant_percentile != null && `variant percentile ${percentile(row.variant_percentile)}`,
  ]
    .filter(Boolean)
    .join(" \u00B7 ");
}

function groupSentences(groups) {
  return groups
    .slice(0, 4)
    .map(group =>
      html(
        "p",
        {},
        html("b", {class: way(group)}, `${mark(group)} ${capital(group.title)}. `),
        group.sentence || `${listed(group.tfs, 9)}.`,
      ),
    );
}

function lead(row, detail) {
  if (!scored(row))
    return html(
      "p",
      {class: "lead"},
      html("b", {}, "Not scored: "),
      `${row.why_not}. `,
      row.status === "ref_mismatch" && "Is this the right assembly and strand? ",
      "Nothing can be said about this allele; that is not the same as no effect.",
    );
  const {groups, bound} = detail || row;
  return html(
    "div",
    {class: "lead"},
    detail?.sentence && html("p", {}, !groups.length && html("b", {}, "\u25CB "), detail.sentence),
    groupSentences(groups),
    !detail &&
      !groups.length &&
      html(
        "p",
        {},
        html("b", {}, "\u25CB No change predicted. "),
        "No impact on a TF that binds " + "either allele is large. That is no evidence that the variant is harmless.",
      ),
    groups.length > 0 && bound.length > 0 && html("p", {}, `Bound with either allele, unchanged: ${listed(bound, 6)}.`),
  );
}

function siteList(detail) {
  const items = detail.groups.map(group =>
    html(
      "li",
      {class: group.rises ? "rises" : "falls"},
      html("b", {class: way(group)}, `${mark(group)} ${group.title}`),
      html("br"),
      group.title !== titled(group, Infinity) && [group.tfs.join(", "), html("br")],
      html(
        "span",
        {class: "soft"},
        [
          group.start != null && `${position(group.start)}${DASH}${position(group.end)}`,
          group.own_site === false && "no own motif changes",
        ]
          .filter(Boolean)
          .join(", "),
      ),
    ),
  );
  return html(
    "div",
    {class: "aside"},
    html("h4", {}, "Sites"),
    items.length ? html("ul", {class: "sites"}, items) : html("p", {class: "small soft"}, "No site changes."),
    detail.bound.length > 0 && [
      html("b", {class: "small"}, "Bound with either allele"),
      html("p", {class: "small soft"}, detail.bound.join(", ")),
    ],
  );
}

const region = (label, content) =>
  html("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": label}, content);

function logoFigures(row, detail, small) {
  const tfs = detail.leads.map(name => detail.tfs.find(tf => tf.tf === name)).filter(tf => tf && tf.contributions);
  return tfs.map(tf =>
    html(
      "figure",
      {},
      region(`Logos of ${tf.tf}`, logos(row, detail, tf, small)),
      html(
        "figcaption",
        {},
        html("b", {}, tf.tf),
        `, effect ${signed(tf.effect)}, impact ${signed(tf.impact)}. `,
        html(
          "span",
          {class: "aside"},
          "Letters up help binding, letters down hinder it; height: log-odds lost, on average, if " +
            "that base were replaced. REF and ALT share one scale.",
        ),
      ),
    ),
  );
}

function usedParagraphs(detail) {
  const said = detail.tfs.map(tf => tf.used_sentence).filter(Boolean);
  return (
    said.length > 0 && [
      said.map(sentence => html("p", {class: "breaks"}, sentence)),
      html(
        "p",
        {class: "aside"},
        "In use: a known motif matches there, and its bases give more than as many others of the window would; in " +
          "brackets how much, in log-odds, each base weighed by the motif. " +
          "Which protein it is, a motif does not say.",
      ),
    ]
  );
}

const TF_COLUMNS = [
  ["TF"],
  ["P REF", 1],
  ["P ALT", 1],
  [`0 ${DASH} 0.5 ${DASH} 1`],
  ["Effect", 1],
  ["Impact", 1],
  ["Percentile", 1],
  ["Motif"],
  ["Position, strand"],
  [`Log-odds REF ${ARROW} ALT`, 1],
  ["Held-out AUPRC", 1],
];

function tfRow(tf, changes) {
  const site = tf.site,
    number = value => html("td", {class: "number"}, value);
  return html(
    "tr",
    {},
    html("th", {scope: "row"}, tf.tf),
    number(probability(tf.p_ref)),
    number(probability(tf.p_alt)),
    html("td", {}, dumbbell(tf.p_ref, tf.p_alt, changes, 104)),
    number(signed(tf.effect)),
    number(html("b", {}, signed(tf.impact))),
    number(percentile(tf.impact_percentile)),
    html("td", {}, site ? html("span", {class: "mono"}, site.motif_id) : DASH),
    html(
      "td",
      {},
      site ? `${position(site.start)}${DASH}${position(site.end)} ${site.strand === "+" ? "+" : MINUS}` : DASH,
      site && !site.covers && html("span", {class: "soft"}, " beside"),
    ),
    number(site ? odds(site) : DASH),
    number(tf.auprc == null ? DASH : tf.auprc.toFixed(2)),
  );
}

function tfTable(detail) {
  const part = (title, tfs, changes) =>
    tfs.length > 0 && [
      html("tr", {class: "group"}, html("th", {colspan: TF_COLUMNS.length, scope: "rowgroup"}, title)),
      tfs.map(tf => tfRow(tf, changes)),
    ];
  const groups = detail.groups.map((group, i) =>
    html(
      "tbody",
      {},
      part(
        `${mark(group)} ${group.title}`,
        detail.tfs.filter(tf => tf.group === i),
        true,
      ),
    ),
  );
  const rest = detail.tfs.filter(tf => tf.group == null);
  return html(
    "table",
    {class: "tfs"},
    html(
      "caption",
      {},
      `${detail.tfs.length} of ${detail.n_tfs} TFs: those that change, and the most probable of the others.`,
    ),
    html(
      "thead",
      {},
      html(
        "tr",
        {},
        TF_COLUMNS.map(([title, number]) => html("th", {scope: "col", class: number && "number"}, title)),
      ),
    ),
    groups,
    rest.length > 0 && html("tbody", {}, part("\u25CB No notable change", rest, false)),
  );
}

function article(row, report, id, links) {
  const detail = report.details[row.number],
    small = links != null && narrow(),
    heading = `heading-${id}`;
  const top = html(
    "div",
    {class: "title"},
    html(
      "div",
      {},
      html("h3", {id: heading, tabindex: -1}, `${place(row)} `, html("span", {class: "mono breaks"}, change(row))),
      html("p", {class: "small soft breaks"}, facts(row, detail, report.info)),
    ),
    links,
  );
  const parts = [top, lead(row, detail)];
  if (detail) {
    const figures = logoFigures(row, detail, small);
    parts.push(
      html("h4", {}, "Why: what each base gives to binding"),
      figures.length
        ? html("div", {class: "beside"}, html("div", {class: "logos"}, figures), siteList(detail))
        : html("p", {class: "small soft"}, "No TF binds here, so there is nothing to draw."),
      html("h4", {}, `Where: ${FLANK} bp to either side`),
      html(
        "figure",
        {},
        region("Locus", locus(row, detail, id, small)),
        html(
          "figcaption",
          {},
          usedParagraphs(detail),
          "Bars: motif sites. Tracks: probability of binding as the window moves along REF (solid) and ALT (dashed); " +
            "the table's numbers are those of the window centred on the variant.",
          detail.unknown.length > 0 && " Hatched: sequence unknown.",
        ),
      ),
      links && report.slices[row.number] && igvPart(row, report),
      html("h4", {}, "TFs"),
      region("Table of TFs", tfTable(detail)),
    );
    if (detail.cannot.length)
      parts.push(
        html(
          "div",
          {class: "cannot"},
          html("h4", {}, "What the model cannot say here"),
          html(
            "ul",
            {},
            detail.cannot.map(said => html("li", {}, said)),
          ),
        ),
      );
  } else if (scored(row)) {
    parts.push(
      html(
        "p",
        {class: "small soft"},
        "This report has no more of this allele: details are those of the largest impacts. " +
          "To have it, name it with --variants.",
      ),
    );
  }
  return html("article", {"aria-labelledby": heading}, parts);
}
