"""The official SDK for Python at a portal whose webhook is the argument: one line of JSON tells what it got."""

import json
import sys
from urllib.parse import urlsplit

from b24pysdk import BitrixWebhook, Client
from b24pysdk.errors import BitrixAPIError

webhook, number = urlsplit(sys.argv[1]), sys.argv[2]
token = webhook.path.removeprefix("/rest/").strip("/")
client = Client(BitrixWebhook(domain=webhook.netloc, webhook_token=token))
contacts = client.crm.contact


def refusal(request):
    try:
        request.result
        return "none"
    except BitrixAPIError as error:
        return error.error.upper()


batch = client.call_batch({"contact": contacts.list(select=["NAME"], filter={"PHONE": number}), "user": client.user.get()})
added = contacts.add(fields={"NAME": "Grace", "PHONE": [{"VALUE": "+12125550100", "VALUE_TYPE": "WORK"}]})
print(
    json.dumps(
        {
            "search": [entity["NAME"] for entity in client.telephony.external_call.search_crm_entities(phone_number=number).result],
            "duplicates": len(client.crm.duplicate.findbycomm(type="PHONE", values=[number]).result["CONTACT"]),
            "all": len(list(contacts.list(select=["ID"]).as_list().result)),
            "fast": len(list(contacts.list(select=["ID"]).as_list_fast().result)),
            "batch": batch.result.result["contact"][0]["NAME"],
            "users": batch.result.result["user"][0]["UF_PHONE_INNER"],
            "added": type(added.result).__name__,
            "forbidden": refusal(client.telephony.external_call.finish(call_id="x", user_id=1)),
            "missing": refusal(contacts.get(bitrix_id=999999)),
        }
    )
)
