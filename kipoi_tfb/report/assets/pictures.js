// Small pictures: P with REF and ALT, a share, logos of contributions, the strip of a locus.

const FLANK = 100;
const narrow = () => innerWidth < 620 && !matchMedia("print").matches;

function dumbbell(pRef, pAlt, changes, width = 132) {
  const x = p => 8 + p * (width - 16),
    rises = pAlt > pRef,
    step = rises ? 1 : -1;
  const kind = !changes ? "same" : rises ? "up" : "down";
  const picture = svg("svg", {class: "dumbbell", width, height: 24, viewBox: `0 0 ${width} 24`, "aria-hidden": "true"});
  picture.append(svg("path", {class: "axis", d: `M8 12H${width - 8}M8 8V16M${x(0.5)} 6V18M${x(1)} 8V16`}));
  if (Math.abs(x(pAlt) - x(pRef)) > 12) {
    picture.append(svg("path", {class: `line-${kind}`, "stroke-width": 4, d: `M${x(pRef)} 12H${x(pAlt) - 4 * step}`}));
  }
  picture.append(
    svg("circle", {class: "ring", cx: x(pRef), cy: 12, r: 5, "stroke-width": 1.8}),
    svg("path", {
      class: `fill-${kind}`,
      d: `M${x(pAlt) - 5 * step} 6L${x(pAlt) + 5 * step} 12L${x(pAlt) - 5 * step} 18Z`,
    }),
  );
  return picture;
}

function share(percent) {
  return svg(
    "svg",
    {class: "share", width: 56, height: 7, viewBox: "0 0 56 7", "aria-hidden": "true"},
    svg("rect", {class: "track", width: 56, height: 7, rx: 2}),
    svg("rect", {class: "amount", width: Math.max(1, 0.56 * percent), height: 7, rx: 2}),
  );
}

// Letters as outlines in a square of 100: a font's would neither fill their boxes nor print alike everywhere.
const LETTERS = {
  A: "M0 100L36 0H64L100 100H79L71 76H29L21 100ZM35 58H65L50 14Z",
  C:
    "M98 34C93 12 75 0 52 0C20 0 0 20 0 50C0 80 20 100 52 100C75 100 93 88 98 66L78 61C74 74 65 82 52 82C32 82 " +
    "21 70 21 50C21 30 32 18 52 18C65 18 74 26 78 39Z",
  G:
    "M98 34C93 12 75 0 52 0C20 0 0 20 0 50C0 80 20 100 52 100C72 100 90 92 98 80V46H53V63H78V72C72 79 63 82 52 " +
    "82C32 82 21 70 21 50C21 30 32 18 52 18C65 18 74 26 78 39Z",
  T: "M0 0H100V19H61V100H39V19H0Z",
};
const letter = (base, x, y, width, height) =>
  svg("path", {
    class: `base-${base}`,
    "fill-rule": "evenodd",
    d: LETTERS[base],
    transform: `translate(${[x, y].map(v => v.toFixed(1))}) scale(${[width, height].map(v => (v / 100).toFixed(4))})`,
  });

const ownColumns = shown => shown.column.slice(...shown.own);

function logos(row, detail, tf, small) {
  const own = [...ownColumns(detail.ref), ...ownColumns(detail.alt)];
  const all = Math.max(...detail.ref.column, ...detail.alt.column);
  const from = Math.min(...own),
    to = Math.max(...own);
  const first = small ? Math.max(0, from - 10) : 0,
    last = small ? Math.min(all, to + 10) : all;
  const step = small ? 12 : 14,
    left = small ? 54 : 62,
    width = left + (last - first + 1) * step + 8,
    height = 262;
  const x = column => left + (column - first) * step,
    within = column => column >= first && column <= last;
  const given = tf.contributions,
    values = [...given.ref, ...given.alt];
  const high = Math.max(...values, 0.05),
    low = Math.min(...values, 0),
    room = 78,
    per = room / (high - low);
  const site = tf.site,
    strand = site && (site.strand === "+" ? "plus" : "minus");
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label":
      `${tf.tf}: what each base around ${place(row)} ${change(row)} gives to binding, ` +
      `with REF (P ${probability(tf.p_ref)}) above ALT (P ${probability(tf.p_alt)})` +
      (site ? `; motif ${site.motif_id} on the ${strand} strand, log-odds ${odds(site)}` : ""),
  });
  picture.append(
    svg("rect", {
      class: "changed",
      x: x(Math.max(from, first)),
      y: 14,
      width: (Math.min(to, last) - Math.max(from, first) + 1) * step,
      height: height - 34,
    }),
    svg(
      "text",
      {class: "quiet", x: (x(from) + x(to + 1)) / 2, y: 10, "font-size": 11, "text-anchor": "middle"},
      "variant",
    ),
  );
  [
    ["REF", detail.ref, given.ref, 16, tf.p_ref],
    ["ALT", detail.alt, given.alt, 108, tf.p_alt],
  ].forEach(([label, shown, heights, top, p]) => {
    const zero = top + high * per;
    picture.append(
      svg("text", {x: 0, y: top + 14, "font-size": 13, "font-weight": 650}, label),
      svg("text", {x: 0, y: top + 31, "font-size": 12}, `P ${probability(p)}`),
      svg("path", {class: "grid", d: `M${left - 3} ${top}H${left}V${top + room}`}),
      svg("path", {class: "axis", d: `M${left} ${zero}H${width - 8}`}),
    );
    if (!small)
      picture.append(
        svg("text", {class: "quiet", x: left - 6, y: top - 2, "font-size": 10, "text-anchor": "end"}, signed(high, 1)),
      );
    const there = new Set(shown.column);
    for (let column = first; column <= last; column++)
      if (!there.has(column))
        picture.append(
          svg(
            "text",
            {class: "quiet", x: x(column + 0.5), y: zero - 2, "font-size": 12, "text-anchor": "middle"},
            DASH,
          ),
        );
    shown.column.forEach((column, i) => {
      const tall = Math.abs(heights[i]) * per;
      if (within(column) && tall >= 0.6 && shown.bases[i] in LETTERS) {
        picture.append(letter(shown.bases[i], x(column) + 1, heights[i] > 0 ? zero - tall : zero, step - 2, tall));
      }
    });
  });
  picture.append(...motif(detail, site, {x, step, within, first, last, left, width, small}));
  return picture;
}

const odds = site =>
  [site.score_ref, site.score_alt].map(v => (v == null ? "none" : unsigned(v, 1))).join(` ${ARROW} `);

function motif(detail, site, frame) {
  const {x, step, within, first, last, left, width, small} = frame,
    top = 200,
    room = 40;
  const shown = site && detail[site.allele];
  if (!site || site.first == null || !site.letters.length) {
    const said = site ? `${site.motif_id} ${site.motif_name} lies outside what is drawn` : "no known motif";
    return [svg("text", {class: "quiet", x: left, y: top + 20, "font-size": 12}, said)];
  }
  const columns = shown.column.slice(site.first, site.first + site.letters.length);
  const drawn = [
    svg("text", {x: 0, y: top + 13, "font-size": 13, "font-weight": 650}, "motif"),
    svg(
      "text",
      {class: "quiet", x: 0, y: top + 28, "font-size": 11},
      site.strand === "+" ? "+ strand" : `${MINUS} strand`,
    ),
  ];
  columns.forEach((column, i) => {
    if (!within(column)) return;
    const shares = site.letters[i],
      bits = 2 + shares.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(p) : 0), 0);
    let y = top + room;
    shares
      .map((p, k) => [p, "ACGT"[k]])
      .sort((a, b) => a[0] - b[0])
      .forEach(([p, base]) => {
        const tall = ((p * bits) / 2) * room;
        y -= tall;
        if (tall > 0.6) drawn.push(letter(base, x(column) + 1, y, step - 2, tall));
      });
  });
  const from = Math.max(first, columns[0]),
    to = Math.min(last, columns[columns.length - 1]) + 1;
  const middle = small ? width / 2 : Math.min(Math.max((x(from) + x(to)) / 2, left + 130), width - 138);
  drawn.push(
    svg("path", {class: "outline", "stroke-width": 1.2, d: `M${x(from)} ${top + room + 3}v4H${x(to)}v-4`}),
    svg(
      "text",
      {x: middle, y: top + room + 19, "font-size": 11, "text-anchor": "middle"},
      `${site.motif_id} ${site.motif_name}, log-odds ${odds(site)}`,
    ),
  );
  return drawn;
}

const near = (detail, place) => place.end >= detail.pos - FLANK && place.start <= detail.pos + FLANK;
const most = used => Math.max(used.ref ?? -Infinity, used.alt ?? -Infinity);

// Of each TF whose logos are drawn the motifs that give most.
function usedBars(detail) {
  return detail.tfs.flatMap(tf =>
    tf.used
      .filter(used => near(detail, used))
      .sort((a, b) => most(b) - most(a))
      .slice(0, 4)
      .sort((a, b) => a.start - b.start)
      .map(used => ({
        start: used.start,
        end: used.end,
        look: used.alt == null ? "fill-down" : used.ref == null ? "fill-up" : "fill-same",
        label: `${used.motif_name} for ${tf.tf}, ${withWhich(used)}`,
      })),
  );
}
const withWhich = used => (used.alt == null ? "REF alone" : used.ref == null ? "ALT alone" : "either allele");

function locus(row, detail, id, small) {
  const width = small ? 340 : 1120,
    left = small ? 74 : 112,
    right = small ? 6 : 16;
  const x = offset => left + ((offset + FLANK) / (2 * FLANK)) * (width - left - right);
  const groups = detail.groups
    .filter(group => group.start != null && near(detail, group))
    .slice(0, 4);
  const bars = [
    ...groups.map(group => ({
      start: group.start,
      end: group.end,
      look: `fill-${way(group)}` + (group.own_site === false ? " faint" : ""),
      label: `${mark(group)} ${titled(group, small ? 2 : 3)}`,
    })),
    ...usedBars(detail),
  ];
  const between = small ? 38 : 24,
    sites = 44,
    tracks = sites + (Math.max(1, groups.length) + bars.length - groups.length) * between + 16,
    tall = 46;
  const height = tracks + detail.tracks.length * (tall + 16) + 22,
    own = detail.ref.own[1] - detail.ref.own[0];
  const said =
    groups.map(g => `${g.title} at ${position(g.start)} to ${position(g.end)}`).join("; ") || "no site changes";
  const tracked =
    listed(
      detail.tracks.map(track => track.tf),
      9,
    ) || "no TF";
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label":
      `Locus ${row.chrom}:${position(detail.pos - FLANK)} to ${position(detail.pos + FLANK)}: ${said}. ` +
      detail.tfs.map(tf => tf.used_sentence && `${tf.used_sentence} `).join("") +
      `Tracks: probability of binding of ${tracked} as the window moves, with REF and with ALT.`,
  });
  picture.append(
    svg(
      "defs",
      {},
      svg(
        "pattern",
        {id: `hatch-${id}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"},
        svg("path", {class: "hatch", d: "M0 0V6"}),
      ),
    ),
    svg("path", {class: "axis", d: `M${left} 26H${width - right}`}),
    svg("text", {class: "quiet", x: 0, y: 30, "font-size": 12}, short(row.chrom, small ? 9 : 15)),
  );
  for (let offset = -FLANK; offset <= FLANK; offset += small ? FLANK : FLANK / 2)
    picture.append(
      svg("path", {class: "axis", d: `M${x(offset)} 22v8`}),
      svg(
        "text",
        {
          class: "quiet",
          x: x(offset),
          y: 16,
          "font-size": 12,
          "text-anchor": offset === -FLANK ? "start" : offset === FLANK ? "end" : "middle",
        },
        small && offset ? signed(offset, 0) : position(detail.pos + offset),
      ),
    );
  for (const [a, b] of detail.unknown)
    picture.append(
      svg("rect", {
        fill: `url(#hatch-${id})`,
        x: x(a),
        y: 32,
        width: Math.min(x(b + 1), width - right) - x(a),
        height: height - 54,
      }),
    );
  picture.append(
    svg("rect", {class: "changed", x: x(0) - 1, y: 22, width: Math.max(5, x(own) - x(0) + 2), height: height - 44}),
    svg(
      "text",
      {x: x(0) + 2, y: height - 5, "font-size": 12, "font-weight": 650, "text-anchor": "middle"},
      `${short(row.ref, 8)}>${short(row.alt, 8)}`,
    ),
    svg("text", {x: 0, y: sites + 12, "font-size": 12}, "Sites"),
  );
  if (!groups.length)
    picture.append(svg("text", {class: "quiet", x: left, y: sites + 12, "font-size": 12}, "no site changes"));
  bars.forEach((bar, i) => {
    const a = Math.max(left, x(bar.start - detail.pos)),
      b = Math.min(width - right, x(bar.end - detail.pos + 1));
    const y = sites + (i < groups.length ? i : i + Math.max(1, groups.length) - groups.length) * between,
      behind = b + 400 < width;
    picture.append(
      svg("rect", {class: bar.look, x: a, y: y + 2, width: b - a, height: 13, rx: 2}),
      small
        ? svg("text", {x: left, y: y + 28, "font-size": 11}, short(bar.label, 44))
        : svg(
            "text",
            {x: behind ? b + 7 : a - 7, y: y + 13, "font-size": 12, "text-anchor": behind ? "start" : "end"},
            bar.label,
          ),
    );
    if (i === groups.length) picture.append(svg("text", {x: 0, y: y + 12, "font-size": 12}, "In use"));
  });
  detail.tracks.forEach((track, i) => {
    const top = tracks + i * (tall + 16),
      y = p => (top + tall - p * tall).toFixed(1),
      tf = detail.tfs.find(t => t.tf === track.tf);
    const path = values => "M" + values.map((p, k) => `${x(detail.offsets[k]).toFixed(1)} ${y(p)}`).join("L");
    const kind = !tf || tf.group == null ? "same" : tf.effect > 0 ? "up" : "down";
    picture.append(
      svg("text", {x: 0, y: top + 14, "font-size": 13, "font-weight": 650}, short(track.tf, small ? 8 : 13)),
      svg("text", {class: "quiet", x: 0, y: top + 30, "font-size": 11}, small ? "P" : "P by window"),
      svg("text", {class: "quiet", x: left - 6, y: top + 8, "font-size": 10, "text-anchor": "end"}, "1"),
      svg("text", {class: "quiet", x: left - 6, y: top + tall, "font-size": 10, "text-anchor": "end"}, "0"),
      svg("path", {class: "grid", d: `M${left} ${y(1)}H${width - right}M${left} ${y(0.5)}H${width - right}`}),
      svg("path", {class: "axis", d: `M${left} ${y(0)}H${width - right}`}),
      svg("path", {class: "outline", "stroke-width": 2, d: path(track.ref)}),
      svg("path", {class: `line-${kind}`, "stroke-width": 2.6, "stroke-dasharray": "6 4", d: path(track.alt)}),
    );
  });
  return picture;
}
