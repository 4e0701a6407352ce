"use strict";
// Shows the slides in whose names all words of the search are.
{
  const search = document.getElementById("search");
  const list = document.getElementById("slides");
  const cards = [...list.children];
  search.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = cards.filter((card) => words.every((word) => card.dataset.words.includes(word)));
    // All at once: to hide 2,000 of them one by one takes the browser a second.
    list.replaceChildren(...found);
    const all = `${cards.length.toLocaleString("en")} slides`;
    document.getElementById("count").textContent =
      found.length === cards.length ? all : `${found.length.toLocaleString("en")} of ${all}`;
  });
}
