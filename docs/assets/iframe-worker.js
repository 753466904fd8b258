// Browsers refuse workers to pages that are opened as files. There the search runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = `<script>
        window.postMessage = data => frameElement.dispatchEvent(new MessageEvent("message", {data}));
      <\/script><script src="${address}"><\/script>`;
      this.frame = new Promise(loaded => frame.addEventListener("load", () => loaded(frame.contentWindow)));
      frame.addEventListener("message", event => this.dispatchEvent(new MessageEvent("message", {data: event.data})));
      document.documentElement.append(frame);
    }

    async postMessage(data) {
      (await this.frame).dispatchEvent(new MessageEvent("message", {data}));
    }
  };
}
