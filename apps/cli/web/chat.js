// A text channel that the Rust end answers.
export class Chat {
  constructor(channel) {
    this.channel = channel;
    this.list = document.getElementById("chat");
    this.form = document.getElementById("say");
    this.list.replaceChildren();
    channel.onmessage = ({ data }) => this.#add(data);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      const field = this.form.elements[0];
      if (!field.value || channel.readyState !== "open") return;
      channel.send(field.value);
      this.#add(field.value, "mine");
      field.value = "";
    };
  }

  enable(on) {
    for (const control of this.form.elements) control.disabled = !on;
  }

  #add(text, mine = "") {
    const item = document.createElement("li");
    item.textContent = text;
    item.className = mine;
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
  }
}
