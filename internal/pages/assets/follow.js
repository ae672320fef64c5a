// Follows what happens: the server sends a part of the page at once, and each time that it has
// changed; after the last part the page asks for no other. The focus stays on the same link, and text that
// somebody has selected stays as it is until he has let go of it. A page that nobody sees does not
// follow, unless it says so: a browser has few connections for one server.
// Without this script all is as it was when the page was loaded.
"use strict";
const live = document.getElementById("live");
if (live && window.EventSource) {
  const button = document.getElementById("pause");
  const state = document.getElementById("following");
  let stream = null; // null: it does not follow
  let wanted = true; // nobody has stopped it

  let later = null; // what came while somebody had selected some of the text

  const linksTo = (href) => [...live.querySelectorAll("a[href]")].filter((link) => link.getAttribute("href") === href);
  const selected = () => {
    const s = document.getSelection();
    return !s.isCollapsed && (live.contains(s.anchorNode) || live.contains(s.focusNode));
  };
  const show = (part) => {
    later = selected() ? part : null;
    if (later !== null) {
      return;
    }
    const at = live.contains(document.activeElement) ? document.activeElement : null;
    const href = at?.getAttribute("href");
    const nth = linksTo(href).indexOf(at);
    live.innerHTML = part;
    if (at !== null) {
      const links = linksTo(href);
      (links[Math.min(nth, links.length - 1)] ?? live).focus({ preventScroll: true });
    }
  };
  const say = (words) => {
    button.textContent = stream ? "Stop following" : "Follow";
    state.textContent = words;
  };
  const stop = (words) => {
    stream?.close();
    stream = null;
    say(words);
  };
  const follow = () => {
    const opened = new EventSource(live.dataset.live);
    let lost = true; // nothing has come since it was opened, or broke off
    opened.addEventListener("message", (event) => {
      lost = false;
      say("");
      show(JSON.parse(event.data));
    });
    opened.addEventListener("last", () => {
      wanted = false;
      stop("");
      document.getElementById("pausing").classList.add("hidden"); // there is nothing more to follow
    });
    opened.addEventListener("error", () => {
      if (opened.readyState === EventSource.CLOSED) {
        stop(live.dataset.refused ?? "This page does not follow what happens now: too many do, or you have to log in again.");
      } else if (lost) {
        say(live.dataset.gone ?? "This page is as it was: the server does not answer, and is asked again.");
      }
      lost = true; // one stream ends after some time, and the browser asks for another
    });
    stream = opened;
    say("");
  };
  const look = () => {
    const unseen = document.hidden && live.dataset.unseen === undefined;
    if (unseen && stream) {
      stop("");
    } else if (!unseen && wanted && !stream) {
      follow();
    }
  };

  document.getElementById("pausing").classList.remove("hidden");
  button.addEventListener("click", () => {
    wanted = !stream;
    if (wanted) {
      follow();
    } else {
      stop("This page stays as it is.");
    }
  });
  document.addEventListener("visibilitychange", look);
  document.addEventListener("selectionchange", () => {
    if (later !== null) {
      show(later);
    }
  });
  live.tabIndex = -1; // has the focus when the link that had it is gone
  look();
}
