// Lines of a network: the studies behind a line, by pointer or by Tab and arrow keys; a press keeps them marked.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const studiesOf = node => node.dataset.studies.split("|");

// Make the networks below a node speak.
export function enhance(root) {
  for (const figure of all("figure.live", root)) if (!figure.dataset.heard) listen(figure);
}

function listen(figure) {
  figure.dataset.heard = "";
  const svg = figure.querySelector("svg");
  const marks = all(".mark", svg);
  const block = figure.closest(".outcome");
  const panel = block.querySelector(".behind");
  if (!marks.length) return;
  const invitation = panel.textContent;
  let kept = null;
  panel.hidden = false;
  svg.setAttribute("role", "group");
  const mark = chosen => {
    const studies = chosen ? studiesOf(chosen) : [];
    const shares = node => studiesOf(node).some(study => studies.includes(study));
    marks.forEach(other => {
      other.classList.toggle("chosen", other === chosen);
      other.classList.toggle("kin", other !== chosen && shares(other));
    });
    all("tr[data-studies]").forEach(row => row.classList.toggle("lit", shares(row) && (block.contains(row) || row.closest("#section-studies"))));
    panel.textContent = chosen ? chosen.getAttribute("aria-label") : invitation;
  };
  marks.forEach((node, i) => {
    const title = node.querySelector("title");
    node.setAttribute("aria-label", title.textContent);
    node.setAttribute("role", "button");
    node.setAttribute("aria-pressed", "false");
    node.setAttribute("tabindex", i ? "-1" : "0");
    title.remove();
    const hit = node.querySelector("path").cloneNode();
    hit.removeAttribute("style");
    hit.setAttribute("class", "hit");
    node.prepend(hit);
    node.addEventListener("pointerenter", () => { if (!kept) mark(node); });
    node.addEventListener("pointerleave", () => { if (!kept) mark(null); });
    node.addEventListener("focus", () => { if (!kept) mark(node); });
    node.addEventListener("blur", () => { if (!kept) mark(null); });
    const press = () => {
      kept?.setAttribute("aria-pressed", "false");
      kept = kept === node ? null : node;
      kept?.setAttribute("aria-pressed", "true");
      mark(kept ?? node);
    };
    node.addEventListener("click", press);
    node.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(); return; }
      if (event.key === "Escape") { kept?.setAttribute("aria-pressed", "false"); kept = null; mark(null); return; }
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (!step) return;
      event.preventDefault();
      const next = marks[(i + step + marks.length) % marks.length];
      node.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}
