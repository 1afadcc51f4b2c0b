// Search over all sections of the course, in the page itself: every word must occur.

const sections = JSON.parse(document.getElementById("sections").textContent);
const box = document.querySelector(".search input"), list = document.querySelector(".search ol");
const count = document.querySelector(".search [role=status]");

function found(words) {
  const hits = [];
  for (const [page, lesson, title, text] of sections) {
    const heading = title.toLowerCase(), body = text.toLowerCase();
    if (!words.every((word) => heading.includes(word) || body.includes(word))) continue;
    const score = words.filter((word) => heading.includes(word)).length;
    hits.push({ page, lesson, title, text, score, at: Math.max(0, body.indexOf(words[0])) });
  }
  return hits.sort((a, b) => b.score - a.score);
}

function line({ page, lesson, title, text, at }, words) {
  const item = document.createElement("li"), link = document.createElement("a"), said = document.createElement("small");
  link.href = page;
  link.textContent = `${lesson}: ${title}`;
  const piece = text.slice(Math.max(0, at - 70), at + 130);
  let rest = piece;
  while (rest) {
    const places = words.map((word) => [rest.toLowerCase().indexOf(word), word]).filter(([place]) => place >= 0);
    if (!places.length) break;
    const [place, word] = places.sort((a, b) => a[0] - b[0])[0];
    const marked = document.createElement("mark");
    marked.textContent = rest.slice(place, place + word.length);
    said.append(rest.slice(0, place), marked);
    rest = rest.slice(place + word.length);
  }
  said.append(rest);
  item.append(link, said);
  return item;
}

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = words.length ? found(words) : [];
  count.textContent = words.length ? `${hits.length} section${hits.length === 1 ? "" : "s"} found` : "";
  list.replaceChildren(...hits.slice(0, 40).map((hit) => line(hit, words)));
}

box.addEventListener("input", search);
box.focus();
search();
