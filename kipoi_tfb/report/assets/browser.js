// igv.js, if the page has it: unpacked and started when it is asked for.

let igvLoaded = null;

function loadIgv() {
  igvLoaded ??= unpacked(byId("igv-source")).then(source => {
    // A script of this text is allowed by the page's policy, by its hash.
    document.head.append(html("script", {}, source));
  });
  return igvLoaded;
}

function igvOptions(row, report) {
  const detail = report.details[row.number],
    slice = report.slices[row.number];
  const chr = slice.contig,
    feature = (start, end, more) => ({chr, start: start - 1, end, ...more});
  const colours = getComputedStyle(document.documentElement);
  const colour = group =>
    colours.getPropertyValue(group == null ? "--same" : detail.groups[group].rises ? "--up" : "--down");
  const end = slice.start + slice.bases.length - 1;
  const fasta = `>${chr}:${slice.start}-${end} @len=${slice.size}\n${slice.bases}\n`;
  const track = (name, features, more) => ({name, features, type: "annotation", format: "bed", ...more});
  const moving = (name, values, color) =>
    track(
      name,
      detail.offsets.map((offset, i) => feature(detail.pos + offset - 2, detail.pos + offset + 2, {value: values[i]})),
      {type: "wig", format: "bedgraph", min: 0, max: 1, autoscale: false, height: 40, color},
    );
  const sites = detail.tfs.filter(tf => tf.site);
  const near = report.rows.filter(
    other => other !== row && other.chrom === row.chrom && other.pos >= slice.start && other.pos <= end,
  );
  const allele = each => feature(each.pos, each.pos + each.ref.length - 1, {name: change(each)});
  return {
    reference: {
      id: "report",
      name: "report",
      fastaURL: `data:application/octet-stream;base64,${btoa(fasta)}`,
      indexed: false,
      tracks: [],
    },
    locus: `${chr}:${Math.max(slice.start, detail.pos - FLANK)}-${Math.min(end, detail.pos + FLANK)}`,
    loadDefaultGenomes: false,
    queryParametersSupported: false,
    search: false,
    tracks: [
      track("Variant", [allele(row)], {height: 40}),
      ...(near.length ? [track("Others of this report", near.map(allele), {displayMode: "EXPANDED", height: 60})] : []),
      track(
        "Sites",
        sites.map(tf =>
          feature(tf.site.start, tf.site.end, {name: tf.tf, strand: tf.site.strand, color: colour(tf.group)}),
        ),
        {displayMode: "EXPANDED", height: 100},
      ),
      ...detail.tfs
        .filter(tf => tf.used.length)
        .map(tf =>
          track(
            `In use for ${tf.tf}`,
            tf.used.map(used =>
              feature(used.start, used.end, {name: `${used.motif_name}, ${withWhich(used)}`, strand: used.strand}),
            ),
            {displayMode: "EXPANDED", height: 80},
          ),
        ),
      ...detail.tracks.flatMap(each => [
        moving(`${each.tf}, P with REF`, each.ref, colours.getPropertyValue("--same")),
        moving(`${each.tf}, P with ALT`, each.alt, colour(detail.tfs.find(tf => tf.tf === each.tf)?.group)),
      ]),
    ],
  };
}

// What igv.js leaves open: its white ground takes the letters of a dark page, and its slider has no name.
function finish(root) {
  root.querySelector(".igv-container").style.colorScheme = "light";
  for (const slider of root.querySelectorAll("input[type=range]")) slider.setAttribute("aria-label", "Zoom");
}

function igvPart(row, report) {
  const box = html("div", {class: "igv", role: "region", "aria-label": "Genome browser"}),
    said = html("span", {class: "small soft", role: "status"});
  const open = html("button", {class: "button", type: "button"}, "Open in the genome browser");
  open.addEventListener("click", async () => {
    open.disabled = true;
    try {
      await loadIgv();
      await window.igv.createBrowser(box, igvOptions(row, report));
      finish(box.shadowRoot);
      open.remove();
    } catch (error) {
      said.textContent = ` igv.js cannot show it here: ${error.message ?? error}`;
    }
  });
  return html("div", {class: "igv-part"}, open, said, box);
}
