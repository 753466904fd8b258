// What is wider than the page says that it scrolls.
const mark = box => box.parentElement.classList.toggle("more", box.scrollWidth > box.clientWidth + 1);
const watcher = new ResizeObserver(entries => { for (const {target} of entries) mark(target); });

// Watch the boxes below a node that may scroll.
export function enhance(root) {
  for (const box of root.querySelectorAll(".scroll")) watcher.observe(box);
}
