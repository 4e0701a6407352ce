"use strict";
// Shows the slides in whose names all words of the search are.
{
  const search = document.getElementById("search");
  const cards = [...document.querySelectorAll("#slides > li")];
  search.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      card.hidden = !words.every((word) => card.dataset.words.includes(word));
      shown += !card.hidden;
    }
    document.getElementById("count").textContent =
      shown === cards.length ? `${shown.toLocaleString("en")} slides` : `${shown.toLocaleString("en")} of ${cards.length.toLocaleString("en")} slides`;
  });
}
