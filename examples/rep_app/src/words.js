// Every word of the app, in English and Chinese. {name} is filled in.
import { language } from './preferences.js';

const WORDS = {
    // around everything
    customers: ['Customers', '客户'], deals: ['Deals', '商机'], tasks: ['Tasks', '任务'], tickets: ['Tickets', '工单'],
    more: ['Sync', '同步'], syncAndSettings: ['Sync and settings', '同步与设置'], back: ['Back', '返回'], save: ['Save', '保存'], cancel: ['Cancel', '取消'], add: ['Add', '添加'],
    search: ['Search', '搜索'], showMore: ['Show {n} more', '再显示 {n} 条'], saved: ['Saved', '已保存'],
    newVersion: ['A new version is ready.', '新版本已就绪。'], reload: ['Reload', '重新载入'], gone: ['This record is no longer here.', '这条记录已不在此设备上。'],
    offlineBanner: ['Offline. What you change is kept here and sent later.', '离线中。改动已保存在本机，联网后自动发送。'],
    endedBanner: ['Your session has ended. Your data is still here.', '登录已失效，数据仍在本机。'], cannotOpen: ['What this device holds cannot be opened: {why}', '无法打开本机数据：{why}'], signInAgain: ['Sign in again', '重新登录'],

    // sign-in
    signIn: ['Sign in', '登录'], signInLead: ['Your customers, also without a network.', '没有网络，也能跟进客户。'], email: ['E-mail', '邮箱'],
    password: ['Password', '密码'], show: ['Show', '显示'], hide: ['Hide', '隐藏'], code: ['Code of your authenticator app', '身份验证器中的验证码'],
    signingIn: ['Signing in…', '正在登录…'], needsNetwork: ['The server cannot be reached. Signing in needs a network; try again.', '无法连接服务器。登录需要网络，请重试。'],
    wrongPair: ['E-mail or password is wrong. Check both, or ask an admin for a new password.', '邮箱或密码有误。请检查，或请管理员重设密码。'],
    tooManyTries: ['Too many tries. Wait {n} seconds.', '尝试次数过多，请等待 {n} 秒。'], wiped: ['This device was told to forget everything, and did.', '此设备已按要求清除全部数据。'],
    setUpFirst: ['Your workspace asks for a second factor: set it up on a computer first.', '工作区要求两步验证：请先在电脑上完成设置。'],
    otherPerson: ['Signing in as somebody else erases what this device holds, unsent changes included.', '更换账号将清除本机数据，包括尚未发送的改动。'],
    fillBoth: ['Fill in e-mail and password.', '请填写邮箱和密码。'],

    // records
    noCustomers: ['No customers yet.', '还没有客户。'], noMatch: ['Nothing matches “{text}”.', '没有与“{text}”匹配的结果。'], loading: ['Fetching your records…', '正在获取数据…'],
    call: ['Call', '电话'], write: ['E-mail', '邮件'], note: ['Note', '记录'], contacts: ['Contacts', '联系人'], openDeals: ['Open deals', '进行中的商机'],
    timeline: ['Timeline', '动态'], nothingYet: ['Nothing yet.', '暂无内容。'], newNote: ['What happened?', '记录一次跟进'], noteText: ['In a few words', '内容'],
    kind: ['Kind', '类型'], amount: ['Amount', '金额'], noAmount: ['No amount', '未填金额'], stage: ['Stage', '阶段'], closes: ['Expected close', '预计成交'],
    nextStep: ['Next step', '下一步'], lossReason: ['Why was it lost?', '输单原因'], badAmount: ['Write an amount such as 1250000.50.', '请填写金额，例如 1250000.50。'],
    needAmount: ['Winning needs an amount.', '赢单需要填写金额。'], needReason: ['Losing needs a reason.', '输单需要选择原因。'], customer: ['Customer', '客户'],
    closesOn: ['closes {day}', '{day}成交'], noDealsHere: ['No deals in this stage.', '此阶段没有商机。'],
    newTask: ['New task', '新任务'], taskTitle: ['What is to be done?', '要做什么？'], due: ['Due', '截止'], overdue: ['Overdue', '已逾期'], today: ['Today', '今天'],
    later: ['Later', '以后'], undated: ['No date', '未定日期'], done: ['Done', '已完成'], allDone: ['All done.', '全部完成。'], markDone: ['Done: {title}', '完成：{title}'],
    needTitle: ['Say what is to be done.', '请填写任务内容。'],
    noTickets: ['No tickets.', '没有工单。'], open: ['Open', '处理中'], closed: ['Closed', '已结束'], reply: ['Reply', '回复'], replyTo: ['Reply to the customer', '回复客户'],
    waitsToBeSent: ['waits to be sent', '等待发送'], noConversation: ['This ticket has no conversation.', '此工单没有会话。'],
    us: ['We', '我们'], them: ['Customer', '客户'], bot: ['Assistant', '助手'], internal: ['internal', '内部'],

    // sync and settings
    upToDate: ['Up to date', '已同步'], syncing: ['Syncing…', '同步中…'], offline: ['Offline', '离线'], waiting: ['{n} waiting', '{n} 项待发送'],
    lastHeard: ['Last heard from the server: {time}', '上次与服务器通信：{time}'], never: ['never', '从未'], syncNow: ['Sync now', '立即同步'],
    otherTab: ['Another tab of this app does the syncing.', '由本应用的另一个标签页负责同步。'],
    pendingTitle: ['Waiting to be sent', '等待发送'], conflictsTitle: ['Changes that did not go through', '未生效的改动'],
    noConflicts: ['Nothing was lost.', '没有丢失任何改动。'], conflictLead: ['Somebody else changed this first.', '他人已先行修改。'],
    yours: ['yours', '你的值'], kept: ['kept', '现在的值'], applyAgain: ['Apply mine again', '改用我的值'], letGo: ['Leave it', '保留现值'], dismiss: ['I have read it', '知道了'],
    applied: ['Applied; it is sent with the next sync.', '已改用你的值，将随下次同步发送。'], empty: ['empty', '空'],
    settings: ['Settings', '设置'], languageTitle: ['Language', '语言'], themeTitle: ['Appearance', '外观'], system: ['System', '跟随系统'], light: ['Light', '浅色'], dark: ['Dark', '深色'],
    signedInAs: ['Signed in as {email}', '当前账号：{email}'], signOut: ['Sign out and erase this device', '退出并清除本机数据'],
    loses: ['{n} changes have not been sent. Signing out loses them.', '有 {n} 项改动尚未发送，退出后将丢失。'], signOutTitle: ['Sign out?', '确定退出？'],
    signOutLead: ['Everything is erased from this device; on the server it stays.', '本机数据将全部清除，服务器上的数据不受影响。'],

    // what the records themselves say
    'type.customer': ['customer', '客户'], 'type.prospect': ['prospect', '潜在客户'], 'type.partner': ['partner', '合作伙伴'], 'type.reseller': ['reseller', '经销商'],
    'activity.call': ['Call', '电话'], 'activity.meeting': ['Meeting', '会议'], 'activity.email': ['E-mail', '邮件'], 'activity.note': ['Note', '备注'],
    'activity.visit': ['Visit', '拜访'], 'activity.message': ['Message', '消息'], 'activity.other': ['Other', '其他'],
    'priority.low': ['low', '低'], 'priority.normal': ['normal', '普通'], 'priority.high': ['high', '高'], 'priority.urgent': ['urgent', '紧急'],
    'status.new': ['new', '新建'], 'status.open': ['open', '处理中'], 'status.pending_customer': ['waits for customer', '待客户回复'],
    'status.on_hold': ['on hold', '暂停'], 'status.resolved': ['resolved', '已解决'], 'status.closed': ['closed', '已关闭'],
    'status.todo': ['to do', '待办'], 'status.in_progress': ['in progress', '进行中'], 'status.done': ['done', '已完成'],
    'loss.price': ['Price', '价格'], 'loss.noBudget': ['No budget', '没有预算'], 'loss.competitor': ['Competitor', '竞争对手'],
    'loss.missingFeature': ['Missing feature', '功能缺失'], 'loss.noDecision': ['No decision', '未做决定'],
    'collection.account': ['Customer', '客户'], 'collection.contact': ['Contact', '联系人'], 'collection.opportunity': ['Deal', '商机'], 'collection.task': ['Task', '任务'],
    'collection.activity': ['Note', '记录'], 'collection.ticket': ['Ticket', '工单'], 'collection.message': ['Reply', '回复'], 'collection.syncRejection': ['Notice', '通知'],
    'column.amount': ['Amount', '金额'], 'column.stage': ['Stage', '阶段'], 'column.nextStep': ['Next step', '下一步'], 'column.expectedCloseDate': ['Expected close', '预计成交'],
    'column.status': ['Status', '状态'], 'column.title': ['Title', '标题'], 'column.body': ['Text', '内容'], 'column.lossReason': ['Reason', '原因'],
    'column.summary': ['Text', '内容'], 'column.subject': ['Subject', '主题'], 'column.dueAt': ['Due', '截止'], 'column.name': ['Name', '名称'],
    'industry.vaccines': ['vaccines', '疫苗'], 'industry.foodLogistics': ['food logistics', '食品物流'], 'industry.pharmaLogistics': ['pharma logistics', '医药物流'],
    'industry.pharmacy': ['pharmacy', '药店'], 'industry.laboratory': ['laboratory', '实验室'], 'industry.dairy': ['dairy', '乳品'], 'industry.seafood': ['seafood', '水产'],
    'industry.coldStorage': ['cold storage', '冷库'], 'industry.bloodProducts': ['blood products', '血液制品'], 'industry.clinics': ['clinics', '诊所'],
    'industry.foodRetail': ['food retail', '食品零售'], 'industry.frozenFood': ['frozen food', '速冻食品'], 'industry.meat': ['meat', '肉类'],
    'industry.roadTransport': ['road transport', '公路运输'], 'industry.systemIntegration': ['system integration', '系统集成'],
};

/** Return the words of a key in the reader's language; the key itself when there are none. */
export function t(key, values = {}) {
    const words = WORDS[key]?.[language() === 'zh' ? 1 : 0] ?? key;
    return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
