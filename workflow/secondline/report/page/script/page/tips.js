// Tips: on pointer and on focus, gone with Escape.
import {make} from "../panel/dom.js";

export function start() {
  const tip = make("div", {class: "tip", role: "tooltip", id: "tip", hidden: true});
  document.body.append(tip);
  let tipped = null;
  const hide = () => { tip.hidden = true; tipped?.removeAttribute("aria-describedby"); tipped = null; };
  const show = (node, text) => {
    hide();
    tipped = node;
    tip.textContent = text;
    tip.hidden = false;
    const box = node.getBoundingClientRect(), left = Math.min(box.left, innerWidth - tip.offsetWidth - 8), above = box.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(left, 8) + scrollX}px`;
    tip.style.top = `${(above > 0 ? above : box.bottom + 6) + scrollY}px`;
    node.setAttribute("aria-describedby", "tip");
  };
  const tipOf = event => event.target.closest?.("[data-tip]");
  for (const [shows, hides] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(shows, event => { const node = tipOf(event); if (node) show(node, node.dataset.tip); });
    document.addEventListener(hides, event => { if (tipOf(event) && !tip.matches(":hover")) hide(); });
  }
  tip.addEventListener("pointerleave", hide);
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
}
