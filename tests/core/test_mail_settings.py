"""What the settings say about mail: a server, a sender and a place for links, or nothing."""

import pytest
from pydantic import SecretStr, ValidationError

from backend.core.settings import Settings

SITE = "https://crm.test.example"


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", "smtp://h:99999"])
def test_settings_refuse_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(ValidationError, match="no address of a mail server"):
        Settings(smtp_url=SecretStr(url), mail_from="a@b.example", public_url=SITE)


def test_settings_want_a_sender_and_a_place_for_links() -> None:
    with pytest.raises(ValidationError, match="RAPPORT_MAIL_FROM"):
        Settings(smtp_url=SecretStr("smtp://mail.example"))
    good = Settings(smtp_url=SecretStr("smtp://mail.example"), mail_from="a@b.example", public_url=f"{SITE}/")
    assert good.links_begin_with == SITE
