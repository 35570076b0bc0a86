// The data in the file: nothing is loaded from elsewhere.

async function unpacked(held) {
  const packed = Uint8Array.from(atob(held.textContent.trim()), letter => letter.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function readData() {
  const held = byId("data");
  return JSON.parse(held.type === "application/json" ? held.textContent : await unpacked(held));
}

function start(begin) {
  for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
  readData()
    .then(begin)
    .catch(error => {
      byId("count").textContent =
        `The table cannot be made interactive in this browser (${error.message}): it stays as written.`;
    });
}
