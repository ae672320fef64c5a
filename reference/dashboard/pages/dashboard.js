// Follows what happens: the server sends a part of the page each time that it has changed. The focus
// stays on the same link. Without this script all is as it was when the page was loaded.
"use strict";
const live = document.getElementById("live");
if (live && window.EventSource) {
  let stream;
  const show = (event) => {
    const at = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.innerHTML = JSON.parse(event.data);
    if (at !== null) {
      for (const link of live.querySelectorAll("a[href]")) {
        if (link.getAttribute("href") === at) {
          link.focus();
          break;
        }
      }
    }
  };
  const follow = () => {
    stream = new EventSource(live.dataset.live);
    stream.addEventListener("message", show);
  };
  const button = document.getElementById("pause");
  document.getElementById("pausing").classList.remove("hidden");
  button.addEventListener("click", () => {
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(paused));
    if (paused) {
      stream.close();
    } else {
      follow();
    }
  });
  follow();
}
