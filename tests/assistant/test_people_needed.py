"""Who asks for a person, or is in danger: heard however it is said, and not where it is only spoken of."""

import pytest

from assistant.people_needed import is_in_danger
from assistant.understand import Intent, understand

WISHES = """
那明天上午能给我回电话吗
可以给我打个电话吗
anyone?
nobody answers the phone
is somebody coming?
谁会联系我
那有没有真人
will somebody look at it
找个人跟我说
我要找人
有人吗
人呢
有没有人工
人工在吗
给我转个人工
我要人工
能不能转人工
帮我转人工客服
转接人工服务
我想和真人聊
我要跟人说话
叫你们经理来
我要投诉
能让客服打电话给我吗
请你们的工作人员联系我
别让机器人回复了
你是机器人吗，我要真人
麻烦找一下客服
客服在吗
在线客服
人工客服
找客服
联系客服
我想咨询人工
接人工谢谢
需要人工帮助
你解决不了，给我换个人
I want to talk to someone
talk to a human
human please
agent
operator
representative
I need a human being
is there anybody there?
is anyone there
can a person help me
can somebody help me please
stop bot. human!
let me speak to your manager
I'd like to speak with a manager
call me back please
please have someone call me
can I get a real person
can you transfer me to support
connect me to customer service
put me through to customer support
speak to customer service
live chat with agent
live agent
I don't want to talk to a bot
I do not want to talk to a robot
get me a person
You're not helping, get me somebody who can
is there a real human I can talk to
may I speak with a representative
contact an agent
I want to complain
I want to make a complaint
chat with a person
need to talk to customer support
Could you hand me over to one of your colleagues?
This is useless, I want a real human
any human around?
please escalate this to a supervisor
let a person answer me
I'd rather speak with someone from your team
can I chat with one of your staff
give me a human agent now
need human support
no more robots please
ring me back
Could one of you phone me?
is this a bot? I want a person
human support please
Can I talk to somebody in sales
让真人来回答
有活人吗
我不要跟机器聊天
请帮我接通人工
把我转给同事
请安排专人联系我
给我回个电话
能找个真人客服吗
人工！！！
转客服
我要找你们领导
想跟你们客服沟通一下
有人能帮我吗
要求人工介入
投诉你们
"""

DANGERS = """
My device is smoking
the gateway is smoking
There is smoke coming out of the charger
smoke from the battery
I smell burning plastic
it smells burnt
burning smell from HG-4
there are sparks coming from the plug
the plug is sparking
the battery is swollen and hot
battery exploded
the battery burst into flames
it caught fire
gateway on fire!!
our cold room is on fire
I got an electric shock
got a shock from the device
my colleague got electrocuted
the device gave me a shock
someone is hurt
my colleague is injured
he is unconscious
I burned my hand on the probe
dry ice burned my hand
glycol got in my eye
I swallowed the glycol
he drank the glycol
gas leak
there is an ammonia leak
ammonia smell in the cold store
someone is locked in the cold room
I am trapped in the freezer
I want to kill myself
I want to die
设备着火了
设备冒烟了
网关在冒烟
有烧焦味
有一股焦糊味
闻到烧焦的味道
插头打火花
冒火花
漏电了
我被电了一下
触电
电池鼓包发烫
电池爆了
电池起火
烧起来了
有人受伤
同事晕倒了
有人被锁在冷库里
人被困在冷库里了
困在冷库出不去
氨气泄漏
冷库漏氨
误喝了乙二醇
乙二醇溅到眼睛里
手被干冰冻伤
我不想活了
想自杀
救命
流血了
烫伤了
中毒了
smoke is pouring out of the logger
The charger melted and smells like burning
Help, the HG-4 burst into fire
flames are coming out of the cabinet
We have an ammonia leak in store 3
my hand got burned by the heater
A worker collapsed in the freezer
somebody is trapped inside the cold store
my kid swallowed a button battery
I was electrocuted by the adapter
there was a small explosion
it is hissing and smoking
the adapter is sparking and hot
he can't breathe
I feel like ending my life
充电器冒烟啦
机柜里有火苗
电池膨胀得厉害还很烫
孩子吞了纽扣电池
摸网关被电麻了
仓库里有人昏倒
冷库氨泄漏
闻着有股糊味
同事被关在冷库里了
我想结束生命
电源适配器烧了，冒火
他没呼吸了
操作时手被烫伤
化学品溅进眼睛了
设备爆炸了
"""

NEITHER = """
报警的时候能给我打电话吗
超温会给我打电话吗
谁能处理退货
will somebody look at my data
is somebody coming to the webinar
Can the gateway detect smoke?
Is there an ammonia sensor?
How do I avoid an electric shock when I install the gateway?
库门漏气会影响温度吗
能检测氨气泄漏吗
我的账号被锁在外面了
电脑中毒了会影响数据吗
Can the alarm call me at night?
Will somebody be called when the alarm is not acknowledged?
Does a person have to confirm the alarm?
Who is called first?
谁会接到电话报警
报警会给我打电话吗
客服电话是多少
人工费怎么算
人工校准和自动校准有什么区别
Can I add a person to my workspace?
Can someone else see my data?
what does a support agent see
How many agents are included in the plan?
Do you have a sales representative in Germany?
Is support included?
换个人接收报警怎么设置
怎么把报警转给别的同事
电池发烫正常吗
Is it normal that the gateway gets warm?
Does the battery swell in the cold?
不锈钢探头会烫手吗
我要投诉的工单号在哪里看
Is the person responsible shown in the report?
what happens if the probe gets a shock
探头烧结工艺是什么
火灾报警能接入吗
my order is in the agent's hands, when does it ship
can I talk to the API with curl?
the HL-50 talks to a gateway how
我的数据锁在哪个区域
紧急联系人怎么改
Can I get support?
I froze my account, but how do I order a replacement card?
who froze my bank account
my card got melted and i need to report it
Do I need to speak to a representative to change my pin?
How do I talk to a person?
"""


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", _lines(WISHES))
def test_who_asks_for_a_person_gets_one(text: str) -> None:
    assert understand(text).intent is Intent.WISH_FOR_HUMAN


@pytest.mark.parametrize("text", _lines(DANGERS))
def test_danger_is_heard(text: str) -> None:
    assert understand(text).intent is Intent.DANGER


@pytest.mark.parametrize("text", _lines(NEITHER))
def test_a_question_that_only_speaks_of_people_or_of_danger_is_a_question(text: str) -> None:
    assert understand(text).intent not in (Intent.WISH_FOR_HUMAN, Intent.DANGER)


def test_a_long_message_with_danger_in_it_is_still_danger() -> None:
    long = "we have had this gateway for two years and it never made trouble. " * 40
    assert is_in_danger(f"{long} now the charger is smoking. {long}")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("ok", Intent.FINE),
        ("好的", Intent.FINE),
        ("再见", Intent.FINE),
        ("明白了，谢谢", Intent.THANKS),
        ("Are you a bot?", Intent.WHO_ANSWERS),
        ("Am I talking to a real person or a bot?", Intent.WHO_ANSWERS),
        ("你是机器人吗？", Intent.WHO_ANSWERS),
        ("你是真人还是机器人", Intent.WHO_ANSWERS),
        ("你们是什么公司", Intent.QUESTION),
        ("这是什么", Intent.QUESTION),
        ("no", Intent.QUESTION),  # after "which of the two?" it means neither
        ("都不是", Intent.QUESTION),
    ],
)
def test_small_talk_is_told_from_questions(text: str, intent: Intent) -> None:
    assert understand(text).intent is intent


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("I do not need an agent, just tell me which device fits a truck", False),
        ("please don't transfer me to a person", False),
        ("不用转人工，告诉我怎么退货就行", False),
        ("我不需要人工帮助", False),
        ("能不能转人工", True),
        ("要不转人工吧", True),
        ("it does not work, connect me to a person", True),
        ("I don't want a robot, I want a real person", True),
        ("hello？有人吗", True),
        ("有没有人管？", True),
        ("怎么没人理我", True),
        ("why is nobody answering me", True),
        ("叫你们客服来", True),
        ("等了半天了怎么还没人来", True),
        ("没人确认会怎样？", False),
        ("What happens when nobody answers the call?", False),
    ],
)
def test_who_refuses_a_person_gets_none_and_who_is_left_alone_does(text: str, wishes: bool) -> None:
    assert (understand(text).intent is Intent.WISH_FOR_HUMAN) is wishes
