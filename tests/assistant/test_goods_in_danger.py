"""What spoils as it is written calls people at once; what is only asked about, or is over, does not."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from assistant.goods_in_danger import are_goods_in_danger
from assistant.understand import Intent, understand
from backend.service.documents import Ticket
from knowledge.text import normalise
from tests.assistant.conftest import ASK, Desk
from tests.assistant.test_policy import ALWAYS, ask, set_policy
from tests.crew import Crew

SPOILING = """
疫苗冰箱15度了报警没响
冷库断电了药品怎么办
胰岛素冰柜已经升到12℃了，网关离线
我们的冷藏车制冷坏了，车上全是疫苗
血库冰箱停了，血浆还在里面
冰箱温度一直在往上涨，里面有一批试剂
冷柜不制冷了，里面是三十万的海鲜
停电两个小时了，疫苗还能用吗
超低温冰箱从-80升到-40了，样本要毁了
冷链箱温度超标，疫苗快坏了
冷冻库门关不上，肉都开始化了
药房冰箱压缩机不转了，现在16度
运输途中制冷机停机，货是生物制剂
冰箱里的胚胎液氮快没了，报警器也不响
冷库现在零上8度，货都要化冻了，没人管吗
疫苗柜温度掉到零下了，会冻坏的
我这边药品冷藏柜显示18度，传感器是不是坏了？
半夜冷库跳闸了，里面都是药
器官运输箱温度报警，已经10度了
奶库制冷失灵，牛奶温度15度了快来人
our freezer is thawing with insulin inside and the gateway is offline
The vaccine fridge is at 15 degrees and no alarm went off
Power is out in the cold store and we have medicines in there
blood bank refrigerator stopped working, it's 11C now
My reefer truck lost cooling an hour ago, full load of vaccines
ULT freezer is warming up, currently -52, samples will be lost
fridge reads 14°C and the insulin is in it, what do I do
Cooler compressor died, we have 2 tons of fish inside
the pharmacy fridge won't cool down, it's been above 8 for three hours
Walk-in freezer door is stuck open and the meat is defrosting
We lost power at the clinic, are the vaccines still good?
sensor shows 25 degrees in the plasma fridge right now
liquid nitrogen tank is nearly empty and the embryos are in it, no alert came
Temperature in cold room 3 keeps rising, all our medication stock is there
vaccine shipment got stuck, box is at 12 degrees and climbing
help the freezer failed overnight everything is melting
our lab freezer is dead and the reagents are going to spoil
Vaccine fridge dropped to -3, are they frozen?
The incubator is at 45 degrees, our cultures are dying
ice cream is melting in the display freezer, the controller does not respond
The compressor of our vaccine freezer is dead
vaccine fridge at 15 degrees!
cold room no power since midnight, full of medicine
the fridge with the insulin is at 59F
power came back but the vaccine freezer is still at 12
can somebody come the freezer is thawing with all our samples
疫苗冰箱现在15度
停电两个小时了疫苗还能用吗
冷库跳闸了合不上，里面全是药
冷藏车坏在路上了，一车疫苗
我的胰岛素冰箱不制冷了
应该是压缩机坏了，疫苗柜18度了
our plasma is getting warm the freezer is out
I think the vaccine fridge is broken, it shows 15 degrees
since yesterday the vaccine fridge is at 12 degrees
药都要坏了冰箱不制冷
the samples are thawing!!
冷库温度还在升，已经12度
doors of the cold store won't close and it's 14 degrees inside
冷藏箱温度12度了，里面是血浆
reefer is down, driver is stuck with a load of meat
why is my vaccine fridge at 15 degrees
冰淇淋都化了，冰柜没电
Emergency: our walk-in cooler quit and we've got 200 doses of flu vaccine in it
the temp in my medication fridge has been climbing since 2am
Generator didn't start, blood bank has no power
Somebody unplugged the vaccine freezer over the weekend, it is at +6 now
There are IVF embryos in the tank and the level alarm is silent, nitrogen almost gone
driver reports the trailer is at 19 C, load is frozen chicken
insulin was left in a fridge that is now at 22 degrees
Help! -80 freezer failing, at -45 and rising
we have a power outage at the hospital pharmacy, fridges are warming up
cold storage down, 40 pallets of salmon
The door of the plasma freezer was left open all night and it's now 2°C inside
my kid's insulin fridge died
冷藏车半路抛锚，疫苗在里面，温度12度
医院药房停电了，备用电源没启动，药怎么办
凌晨冰箱坏了，胰岛素全在里面
血液冰箱温度18℃，没有收到任何报警！
冷库压缩机烧了，一百吨猪肉
实验室-80冰箱现在-30，样本怎么办
疫苗冷柜断电四小时，打开一看都14度了
温度一直降不下来，冷库里是海鲜
冰柜里的冰淇淋全化了
冷链车温控失灵，温度飙到20度
疫苗箱显示-5度，是不是冻坏了
冷冻库没电两小时了
fridge with all our covid vaccines has no power since this morning
I just found the lab fridge at 17°C, reagents inside
Our cold room is heating up fast and there is meat worth 50k in it
temperature alarm on the plasma freezer, it's at -5 and going up
The reefer container broke down, we're carrying pharmaceuticals
please help, the milk tank cooling has failed
what can we do, the organ transport box is at 14 degrees
everything in the walk-in freezer is thawing
Power failure at the vaccine store, backup generator is out too
blood samples are sitting at 25C because the fridge gave up
the freezer room door won't shut and the fish is getting soft
疫苗冷藏柜温度已经到13度，怎么处理
仓库跳闸了，冷库里的药品没人管
液氮罐漏了，胚胎快保不住了
冷藏车里的血浆已经20度了，司机联系不上你们
超市冷柜全停了，酸奶和肉都在里面
冰箱压缩机不工作，标本要化了
医院血库温度报警，现在11度，值班的人联系不上
生鲜仓制冷坏了，水果蔬菜都要烂了
our ULT went into failure last hour, temp is -40 now and we have 10 years of samples
clinic fridge showing 16.5C, holds all childhood vaccines
the chiller with the blood bags has been off for two hours
Ice packs melted and the vaccine box reads 12 C, courier is 3 hours away
I can smell the meat already, freezer has been dead since Friday
Thermostat broke and our cheese cellar fridge is at 21 degrees
no cooling in the reefer, 18 tonnes of shrimp on board
pharmacy cold room: compressor tripped, product temp 9.8 and rising
冷藏车制冷机组停了，车厢温度13度，一车胰岛素
疫苗冰箱门忘关，现在17度
冰柜没电了，里面的肉开始出水
血站的冰箱报警了，温度9.5度了
冷库停电，发电机也起不来，药品损失谁负责
实验室液氮罐空了，细胞全在里面
药柜空调坏了，温度30度了，里面是抗体
""".strip().splitlines()

ASKED_ABOUT = """
疫苗冰箱应该多少度
上次演练的时候报警为什么没响
冷库断电报警怎么设置
你们的冷藏车记录仪支持多少度
疫苗冰箱温度超过8度会报警吗
如果冷库停电，记录仪还能记录多久
冰箱里的记录仪怎么取出来
怎么导出疫苗冰箱的温度报告
药品冷藏柜的传感器放在哪里合适
传感器显示15度，实际室温是16度，怎么校准
网关离线了怎么办
报警短信收不到
去年冰箱坏过一次，药品报废了，想要当时的数据
胰岛素可以冷冻吗
停电后记录仪的数据会丢吗
疫苗运输合规要求有哪些
超温报警的阈值怎么改成12度
冷库温度报告里为什么有一段超过8度
买了一个冰箱温度计，没货了吗
冰箱温度正常了，怎么关闭报警
what temperature should a vaccine fridge have?
why did the alarm not ring during the test?
How do I set an alarm for when the freezer thaws?
Does the logger keep recording if the power goes out in a cold store?
Can insulin be frozen?
gateway is offline, how do I reconnect it?
Which sensor do I need for a -80 freezer?
The logger display shows 15 degrees but the room is 16, how to calibrate
how long do vaccines last without power?
Last month our freezer failed and we lost samples, can I get the data for the insurance?
What happens when the fridge goes above 8 degrees?
I want to change the alarm limit of the pharmacy fridge to 12 degrees
our new vaccine fridge arrives tomorrow, how do I set it up
How do I export the report for the blood bank refrigerator
do you sell freezers for medicine
Your app crashed while I was looking at the freezer
is 5 degrees ok for vaccines
the fridge is back to 4 degrees, how do I acknowledge the alarm?
battery in the fridge sensor is dead
what should I do if a freezer breaks down?
The battery in our vaccine fridge is dead
The sensor in the vaccine fridge is out of range
our pharmacy closes at 10
the fridge logger lost power
freezer failed to sync in the app
our vaccine fridge stopped sending data
our clinic cannot log in everything is down
our pharmacy's bill is going up
the power adapter of the lab gateway is broken
the meeting about samples is at 10
I shipped the samples yesterday at 20 degrees
How warm may blood samples get?
Our vaccine freezer is at -20 degrees, is that ok?
the vaccine fridge is at 5 degrees
the alarm of the vaccine fridge is set to 10 degrees
Please raise the vaccine fridge alarm to 12 degrees
the fridge is ok now, it was 15 degrees
what should we do when the cold room is without power?
冷库断电了会报警吗
冷库断电了怎么设置报警
冰箱里的记录仪没电了
疫苗冰箱的探头坏了
血库的网关停电了会发短信吗
为什么冷库停电了没报警
昨天冷库停电了，怎么看当时的温度
冷库上次停电了两个小时，报告怎么导出
冰箱坏了
my fridge stopped working
药房的标签打印机坏了
疫苗冰箱现在5度
冷库现在-20度正常吗
超低温冰箱现在-78度
药品仓库温湿度记录仪多少钱
我们有一批疫苗样本要寄给你们校准
we have food safety audit at 10
is the data lost if the freezer is switched off?
I lost my samples report
our freezer is down in the app list only
can you send blood pressure monitors
the vaccine order is out of stock
the delivery of the medicine cabinet is late
The stock is down to 5
the screen of the lab fridge is broken
冷链箱坏了能修吗
the app says the cold room is offline
冷库离线了
the probe in freezer 3 shows -196
What if the freezer is at 12 degrees for an hour
the insulin was at 12 degrees for twenty minutes last week
our lab freezer was repaired, thanks
the power came back, fridge is at 4 again. do I have to do something?
the vaccines were at 12 for twenty minutes
We had a power cut yesterday, how do I see how warm the freezer got?
放假期间冷库出问题找谁
How long can insulin stay out of the fridge?
Which alarm tells me when the walk-in cooler quits?
our vaccine fridge runs at 4 degrees, is the default limit fine?
I'd like to test what happens if the freezer warms up
can your logger survive -80 in a freezer?
the report shows 12 degrees for the vaccine fridge on Tuesday, how do I comment on it
the vaccine fridge was at 12 degrees last Tuesday, is the data still there
Which certificate do I need for a blood bank refrigerator?
the freezer alarm goes off every time we open the door
I bought a new pharmacy fridge, the sensor cable is broken
our cold room sensor is offline since this morning
Is a power cut reported when the fridge is full of vaccines?
my insulin order has not arrived
We sell frozen fish, which logger fits
the samples you sent me are broken
药品冷藏箱租一个月多少钱
疫苗冰箱报警延时设多少合适
冷库断电时网关会不会通知我
我想把冷库的报警上限改到10度
血库冰箱的校准证书在哪里下载
上周疫苗冰箱停电了，需要出一份偏差报告
冷藏车的记录仪没电了怎么充
药房冰箱温度曲线显示最高12度，怎么解释
海鲜冷柜适合用哪个探头
how many degrees does your logger go down to in a freezer
is it possible to get a call when the reefer breaks down
when the power fails, how long does the cold room stay cold
our freezer holds -18 all the time, great product
the vaccine fridge alarm is too sensitive
can I see yesterday's temperature of the blood fridge
do you have insurance for spoiled vaccines
our pharmacy moved, how do I change the address of the fridge
I dropped the probe in the freezer and it is broken
the fridge sensor says low battery
one of our vaccine loggers stopped recording
what is the best place for the sensor in a walk-in freezer
疫苗冷藏柜的温度允许多少度
冷库跳闸报警需要另外买模块吗
血库用的记录仪坏了要换新
冷藏车温度记录怎么打印
药品冷库验收需要几个探头
我们的样品什么时候校准完
探头显示-80度是不是量程不够
冰箱报警器一直响但温度是5度
is 9.8 degrees too warm for a pharmacy cold room
does the HL-50 work in a reefer full of shrimp
our ULT freezer door alarm is too loud
Where do I enter the vaccine names for the fridge
we want to monitor our blood bags during transport
a customer asked if the freezer was off last month, where do I see that
how to prove to the inspector that the vaccines never got above 8
thermostat settings for a cheese fridge?
冷藏车制冷机组停了会发短信吗
疫苗冰箱门忘关报警怎么开
血站的冰箱一般几度
冰柜没电了记录仪还工作吗
药品阴凉库温度标准是多少
样本库需要多少个探头
我想看冷库昨晚停电时的温度曲线
记录仪显示30度，是夏天仓库，正常吗
""".strip().splitlines()


@pytest.mark.parametrize("text", SPOILING)
def test_what_spoils_now_is_heard(text: str) -> None:
    assert understand(text).intent is Intent.GOODS_IN_DANGER


@pytest.mark.parametrize("text", ASKED_ABOUT)
def test_who_only_asks_or_tells_of_what_is_over_calls_nobody(text: str) -> None:
    assert understand(text).intent is not Intent.GOODS_IN_DANGER


@pytest.mark.parametrize(
    "text", ["there is smoke coming out of the vaccine freezer", "疫苗冰箱着火了，里面都是疫苗"]
)
def test_people_come_before_goods(text: str) -> None:
    assert understand(text).intent is Intent.DANGER


@pytest.mark.parametrize(
    ("before", "text", "is_danger"),
    [
        ("what temperature should a vaccine fridge have?", "ours is at 11 right now", True),
        ("what temperature should a vaccine fridge have?", "ours is at 5 right now", False),
        ("what temperature should a vaccine fridge have?", "since about an hour", False),
        ("疫苗冰箱应该多少度", "我们的现在11度", True),
        ("", "ours is at 11 right now", False),
    ],
)
def test_what_was_asked_before_says_what_a_reading_is_of(before: str, text: str, is_danger: bool) -> None:
    assert are_goods_in_danger(normalise(text), normalise(before)) is is_danger


@pytest.mark.parametrize(
    ("text", "is_danger"),
    [
        ("the insulin fridge is at 46F", False),  # 7.8 °C
        ("the insulin fridge is at 50F", True),
        ("ULT freezer is at -62", False),
        ("ULT freezer is at -58", True),
        ("the ice cream freezer is at -12 degrees", False),
        ("the ice cream freezer is at -9 degrees", True),
        ("药品冷藏柜现在8度", False),
        ("药品冷藏柜现在8.5度", True),
        ("药品冷藏柜现在零下2度", True),
        ("vaccine freezer is at +6 now", True),
        ("胰岛素冰柜现在6度", False),
        ("胰岛素冰柜现在12度", True),
    ],
)
def test_each_store_has_its_range(text: str, is_danger: bool) -> None:
    assert are_goods_in_danger(normalise(text)) is is_danger


def test_the_longest_message_is_read_in_no_time() -> None:
    text = normalise(
        "our vaccine fridge is at the cold store is now at about in the of the fridge 冷库断电 " * 240
    )
    started = time.process_time()
    are_goods_in_danger(text)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The vaccine fridge is at 15 degrees and no alarm went off", "This cannot wait"),
        ("疫苗冰箱15度了报警没响", "这件事等不得"),
    ],
)
async def test_people_are_called_at_once_without_the_words_for_danger_to_people(
    desk: Desk, text: str, said: str
) -> None:
    answer = await desk.ask(desk.crew.customer, text)
    assert (answer["decision"], answer["reason"]) == ("HANDED_OFF", "GOODS_IN_DANGER")
    assert answer["text"].startswith(said)
    assert answer["ticket"]["number"] in answer["text"]
    assert "emergency" not in answer["text"]
    assert "急救" not in answer["text"]
    (ticket,) = await desk.find(Ticket, _id=answer["ticket"]["id"])
    assert (ticket.priority, ticket.handoff_reason) == ("urgent", "goods_in_danger")


async def test_a_reading_after_a_question_makes_the_waiting_ticket_urgent(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    waiting = await desk.ask(desk.crew.customer, "talk to a human", conversation_id=conversation_id)
    await desk.ask(
        desk.crew.customer, "what temperature should a vaccine fridge have?", conversation_id=conversation_id
    )
    answer = await desk.ask(desk.crew.customer, "ours is at 11 right now", conversation_id=conversation_id)
    assert (answer["reason"], answer["ticket"]) == ("GOODS_IN_DANGER", waiting["ticket"])
    assert answer["text"].startswith("This cannot wait")
    (ticket,) = await desk.find(Ticket, _id=answer["ticket"]["id"])
    assert ticket.priority == "urgent"


async def test_who_calls_again_by_night_is_told_that_people_have_it_as_urgent(crew: Crew) -> None:
    today = datetime.now(UTC).date()
    closed = [(today + timedelta(days=ahead)).isoformat() for ahead in range(-1, 3)]
    await set_policy(crew, hours=ALWAYS, closedOn=closed)
    danger = await ask(crew.customer, "疫苗冰箱15度了报警没响")
    assert danger["reason"] == "GOODS_IN_DANGER"
    again = {"conversationId": danger["conversation_id"], "text": "急死了，你们到底管不管"}
    answer = (await crew.customer.ask(ASK, input=again))["ask"]
    opens = (today + timedelta(days=3)).isoformat()
    assert answer["ticket"]["number"] == danger["ticket"]["number"]
    assert answer["text"].endswith(f"他们已按紧急工单收到；{opens} 00:00（UTC）起上班。")
