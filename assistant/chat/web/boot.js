// What runs when a page loads the script: the element becomes known, and stands there when the script has a key.

import { RapportChat } from './element.js';
import { SCRIPT } from './made.js';

const ATTRIBUTES = ['lang', 'theme', 'position', 'heading', 'greeting', 'suggestions', 'open', 'server', 'mode'];

if (!customElements.get('rapport-chat')) customElements.define('rapport-chat', RapportChat);
if (SCRIPT?.dataset.key) {
    const stand = () => {
        const chat = document.createElement('rapport-chat');
        chat.setAttribute('key', SCRIPT.dataset.key);
        for (const name of ATTRIBUTES) if (name in SCRIPT.dataset) chat.setAttribute(name, SCRIPT.dataset[name]);
        document.body.append(chat);
    };
    if (document.body) stand();
    else addEventListener('DOMContentLoaded', stand, { once: true });
}
