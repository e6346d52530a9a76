// What the chat itself says, in English and Chinese.

const WORDS = {
    en: {
        heading: 'Chat with us',
        open: 'Open chat',
        close: 'Close chat',
        unread: (count) => `${count} new`,
        log: 'Conversation',
        greeting: 'Hello! How can we help?',
        promise: 'Ask in your own words. Answers quote our help articles, and you can talk to a person at any time.',
        suggestions: 'Questions others ask',
        compose: 'Your message',
        placeholder: 'Write a message…',
        send: 'Send',
        left: (count) => `${count} characters left`,
        person: 'Talk to a person',
        wish: 'I would like to talk to a person, please.',
        you: 'You',
        assistant: 'Assistant',
        team: 'Support team',
        system: 'Notice',
        choices: 'Which one is it?',
        none: 'None of these',
        sources: 'Sources',
        source: (title, version) => `${title}, version ${version}`,
        version: (version) => `Version ${version}`,
        changed: (from, to) => `This article has been updated since: the answer quoted version ${from}, this is version ${to}.`,
        readArticle: 'Read the article',
        gone: 'This article is not available any more.',
        back: 'Back to the conversation',
        helpful: 'Was this helpful?',
        yes: 'Helpful',
        no: 'Not helpful',
        thanked: 'Thank you!',
        sorry: 'Thank you. Would you like to talk to a person?',
        UNDERSTANDING: 'Reading your question…',
        SEARCHING: 'Looking through our help articles…',
        WRITING: 'Writing the answer…',
        thinking: 'The assistant is answering…',
        typing: (name) => `${name || 'Support team'} is typing…`,
        byAssistant: 'Assistant · answers at once',
        waiting: 'Waiting for a person',
        assigned: 'A person has your question and will answer here',
        waitingLong: 'Your conversation is with our team. You may close this page: the answer will be here when you come back.',
        joined: (name) => `${name || 'Our team'} has joined the conversation`,
        withPerson: (name) => `${name || 'Our team'} answers you`,
        ended: 'This conversation is closed. Write to open it again.',
        offline: 'No connection. What you write is kept and sent as soon as you are back.',
        trouble: 'We cannot be reached at the moment; trying again.',
        queued: 'Waiting to be sent',
        sending: 'Sending…',
        failed: 'Not sent',
        wordless: 'please write in words what you would like to know.',
        edit: 'Edit',
        lost: 'Your earlier conversation has ended; this is a new one.',
        closed: 'This chat is not open on this page.',
        setup: 'This chat has no key. Put data-key="…" on the script, or key="…" on the element.',
        earlier: 'Only the latest messages are shown.',
        menu: 'Options',
        forget: 'Forget this conversation on this device',
        signIn: 'Sign in',
        signOut: 'Sign out',
        signInWhy: 'Sign in to see your conversations and ask about your own tickets, contracts and payments.',
        email: 'E-mail',
        password: 'Password',
        wrong: 'E-mail or password is wrong.',
        unreached: 'No connection. Please try again.',
        signedIn: 'Signed in',
        today: 'Today',
    },
    zh: {
        heading: '在线咨询',
        open: '打开咨询窗口',
        close: '关闭咨询窗口',
        unread: (count) => `${count} 条新消息`,
        log: '对话内容',
        greeting: '您好！有什么可以帮您？',
        promise: '直接用您自己的话提问。回答都引自帮助文章，您也可以随时转人工。',
        suggestions: '大家常问',
        compose: '您的消息',
        placeholder: '输入消息…',
        send: '发送',
        left: (count) => `还可输入 ${count} 字`,
        person: '转人工客服',
        wish: '我想转人工客服。',
        you: '您',
        assistant: '智能助手',
        team: '客服团队',
        system: '提示',
        choices: '您指的是哪一个？',
        none: '都不是',
        sources: '来源',
        source: (title, version) => `${title}，第 ${version} 版`,
        version: (version) => `第 ${version} 版`,
        changed: (from, to) => `这篇文章后来有更新：回答引用的是第 ${from} 版，现在是第 ${to} 版。`,
        readArticle: '阅读全文',
        gone: '这篇文章已经不能查看了。',
        back: '返回对话',
        helpful: '这个回答有帮助吗？',
        yes: '有帮助',
        no: '没帮助',
        thanked: '谢谢！',
        sorry: '谢谢反馈。需要转人工客服吗？',
        UNDERSTANDING: '正在理解您的问题…',
        SEARCHING: '正在查找帮助文章…',
        WRITING: '正在组织回答…',
        thinking: '助手正在回答…',
        typing: (name) => `${name || '客服'}正在输入…`,
        byAssistant: '智能助手 · 即时回答',
        waiting: '正在等待人工客服',
        assigned: '已有同事接手，会在这里回复您',
        waitingLong: '您的对话已转给我们的同事。可以先关闭页面，再回来时就能看到回复。',
        joined: (name) => `${name || '客服'}已加入对话`,
        withPerson: (name) => `${name || '客服'}正在为您服务`,
        ended: '对话已结束。继续发消息即可重新打开。',
        offline: '网络已断开。您写的内容会保留，恢复连接后自动发送。',
        trouble: '暂时无法连接，正在重试。',
        queued: '等待发送',
        sending: '发送中…',
        failed: '未发送',
        wordless: '请用文字写下您想问的。',
        edit: '修改',
        lost: '之前的对话已结束，这是新的对话。',
        closed: '此页面未开通在线咨询。',
        setup: '缺少密钥：请在 script 上写 data-key="…"，或在元素上写 key="…"。',
        earlier: '只显示最近的消息。',
        menu: '选项',
        forget: '在此设备上忘记这个对话',
        signIn: '登录',
        signOut: '退出登录',
        signInWhy: '登录后可以查看您的对话，并查询自己的工单、合同和款项。',
        email: '邮箱',
        password: '密码',
        wrong: '邮箱或密码不正确。',
        unreached: '网络已断开，请重试。',
        signedIn: '已登录',
        today: '今天',
    },
};

/** Return the language that we speak for a BCP 47 tag: Chinese of any sort, else English. */
export function languageOf(tag) {
    return /^(zh|yue|cmn)\b/i.test(tag || '') ? 'zh' : 'en';
}

/** Return the words of a language as a function: say('typing', name). */
export function speak(language) {
    const words = WORDS[language];
    return (key, ...values) => (typeof words[key] === 'function' ? words[key](...values) : words[key]);
}

/** Choose of the suggested questions those in the language of the page; all, when none is. */
export function inLanguage(questions, language) {
    const isChinese = (text) => /\p{Script=Han}/u.test(text);
    const fitting = questions.filter((one) => isChinese(one) === (language === 'zh'));
    return fitting.length ? fitting : questions;
}

/** Return the line that says who answers. */
export function standing({ status, personName, isAssigned }, say) {
    if (status === 'WAITING') return say(isAssigned ? 'assigned' : 'waiting');
    if (status === 'PERSON') return say('withPerson', personName);
    return say('byAssistant');
}

/** Return what is to be known of the connection and the conversation; nothing, when all is well. */
export function notice({ trouble, lost, status }, say) {
    if (!navigator.onLine) return say('offline');
    if (trouble?.code === 'OFFLINE') return say('offline');
    if (trouble?.passes) return say('trouble');
    if (['ORIGIN_REFUSED', 'NOT_FOUND'].includes(trouble?.code)) return say('closed');
    if (trouble) return trouble.message;
    if (lost) return say('lost');
    return status === 'ENDED' ? say('ended') : '';
}
