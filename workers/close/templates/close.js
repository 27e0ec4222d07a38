// Sorts a table by the column whose heading is pressed; data-key is what a cell is sorted by.
for (const table of document.querySelectorAll("table.sorted")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    // No button element: browsers leave those out where a heading is printed again on the next page.
    const button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, headings, heading, column));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort(table, headings, heading, column);
    });
  });
}

function sort(table, headings, heading, column) {
  const falling = heading.getAttribute("aria-sort") === "ascending";
  headings.forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const isNumber = heading.classList.contains("num");
  const keyed = [...table.tBodies[0].rows].map((row) => [keyOf(row.cells[column], isNumber), row]);
  const compare = isNumber ? (a, b) => a - b : new Intl.Collator(document.body.dataset.locale).compare;
  keyed.sort(([a], [b]) => (falling ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...keyed.map(([, row]) => row));
}

function keyOf(cell, isNumber) {
  const key = cell.dataset.key ?? cell.textContent.trim();
  return isNumber ? (key === "" ? -Infinity : Number(key)) : key;
}
