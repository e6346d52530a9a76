// What somebody chose for this device: language and light. Kept apart from the data, which signing out erases.

const LANGUAGE = 'rapport.language';
const THEME = 'rapport.theme';

export const language = () => localStorage.getItem(LANGUAGE) ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');
export const locale = () => (language() === 'zh' ? 'zh-CN' : 'en-GB');
export const theme = () => localStorage.getItem(THEME) ?? 'system';

/** Put language and light on the page; called before anything is shown. */
export function applyPreferences() {
    document.documentElement.lang = locale();
    document.documentElement.dataset.theme = theme();
}

export function chooseLanguage(chosen) {
    localStorage.setItem(LANGUAGE, chosen);
    applyPreferences();
}

export function chooseTheme(chosen) {
    localStorage.setItem(THEME, chosen);
    applyPreferences();
}
