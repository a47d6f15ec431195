"""What a program in another language does with the mesh: ask, submit, follow, approve. Only nats-py is needed.

Usage: client.py <nats url> <password of client> <password of approver>
Prints one JSON object of what came back.
"""
import asyncio
import json
import sys

import nats


async def main(url: str, client_password: str, approver_password: str) -> dict:
    errors: list[str] = []

    async def on_error(error: Exception) -> None:
        errors.append(str(error))

    client = await nats.connect(url, user="client", password=client_password, error_cb=on_error)
    approver = await nats.connect(url, user="approver", password=approver_password, error_cb=on_error)

    async def ask(connection, subject: str, body: dict) -> dict:
        reply = await connection.request(subject, json.dumps(body).encode(), timeout=60)
        answer = json.loads(reply.data)
        return {"error": answer} if (reply.headers or {}).get("Nats-Service-Error-Code") else answer

    async def end_of(by: dict) -> dict:
        while True:
            found = await ask(client, "execution.get", by)
            if found.get("status") in ("done", "failed"):
                return found
            await asyncio.sleep(0.05)

    seen: list[dict] = []

    async def on_event(message) -> None:
        seen.append({"subject": message.subject, **json.loads(message.data)})

    await client.subscribe("event.execution.local.*", cb=on_event)
    await client.flush()
    asked = await ask(client, "execution.request", {"task": 'write "from python" to python.txt'})
    while not any(e["execution_id"] == asked["execution_id"] and e["type"] == "execution.ended" for e in seen):
        await asyncio.sleep(0.05)

    stream = client.jetstream()
    body = json.dumps({"task": "create the folder from-python"}).encode()

    async def submit(payload: bytes):
        # A copy within a tenth of a second is not stored, and acknowledged as a duplicate.
        while True:
            ack = await stream.publish("execution.submit", payload, headers={"Nats-Msg-Id": "python-1"})
            if not ack.duplicate:
                return ack
            await asyncio.sleep(0.05)

    first = await submit(body)
    submitted = await end_of({"sequence": first.seq})
    again = await submit(body)
    repeated = await end_of({"sequence": again.seq})
    other = await submit(b'{"task": "x"}')
    conflicting = await end_of({"sequence": other.seq})

    manifest = {"name": "gone", "tasks": [{"id": "a", "action": {"kind": "file.delete", "input": {"path": "python.txt"}}}]}
    waiting = await ask(client, "execution.request", {"manifest": manifest, "mode": "background"})
    pending: list[dict] = []
    while not pending:
        listed = await ask(approver, "approval.list", {"execution_id": waiting["execution_id"], "status": "pending"})
        pending = listed["approvals"]
        await asyncio.sleep(0.05)
    decision = {"approval_id": pending[0]["approval_id"], "decision": "approve"}
    decided = await ask(approver, "approval.decide", decision)
    approved = await end_of({"execution_id": waiting["execution_id"]})

    inbox = client.new_inbox()
    pings: list[dict] = []

    async def on_ping(message) -> None:
        pings.append(json.loads(message.data))

    await client.subscribe(inbox, cb=on_ping)
    await client.publish("$SRV.PING", b"", reply=inbox)
    while len(pings) < 6:
        await asyncio.sleep(0.05)

    try:
        await client.request("approval.list", b"{}", timeout=0.5)
    except Exception as error:  # The library says no more than that no answer came.
        errors.append(type(error).__name__)
    await client.flush()
    await client.close()
    await approver.close()
    return {
        "asked": asked,
        "events": [event for event in seen if event["execution_id"] == asked["execution_id"]],
        "first": {"stream": first.stream, "duplicate": first.duplicate},
        "submitted": submitted,
        "repeated": repeated,
        "conflicting": conflicting,
        "decided": decided,
        "approved": approved,
        "services": sorted(ping["name"] for ping in pings),
        "errors": errors,
    }


print(json.dumps(asyncio.run(main(*sys.argv[1:4]))))
