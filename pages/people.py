"""People: who is in the team, how much they did; for admins, inviting and switching off; everybody's own API tokens."""

from core.members import list_members
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.member_admin import invitation, one_person
from pages.components.member_table import my_figures, pager, search_field, table
from pages.components.messages import show_message
from pages.components.my_tokens import my_tokens


def render_team() -> None:
    """Names for who makes campaigns, figures for who may see them; core decides what is in a row."""
    words = search_field()
    page = list_members(runtime(), actor(), words, pager.after())
    table(page.members)
    pager.buttons(page.next_after)
    if may(actor(), Action.MANAGE_PEOPLE):
        one_person(page.members)
        invitation()


show_message()
my_figures()
if may(actor(), Action.SEE_MEMBERS):
    render_team()
my_tokens()
