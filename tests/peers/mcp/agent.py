"""As agent.mjs, with PyPI mcp 2.x: the mode is `auto`, `legacy` or a pinned version; `stdio` goes through `ringback mcp`."""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

URL, BASE, ADMIN, KEY, RINGBACK = (os.environ[name] for name in ("MCP_URL", "BASE_URL", "ADMIN_URL", "API_KEY", "RINGBACK"))
TOOLS = ["verify_list_services", "verify_get_number", "verify_get_code", "verify_cancel"]


async def held(http):
    while "\nringback_longpoll_waiting 1\n" not in (await http.get(f"{ADMIN}/metrics")).text:
        await asyncio.sleep(0.02)


async def sms(number):
    arguments = ["--gateway", BASE, "--api-key", KEY, "--to", number, "--from", "22000", "--text", "G-482913 is your code."]
    sent = await asyncio.create_subprocess_exec(RINGBACK, "sim", "sms", *arguments, stdout=asyncio.subprocess.DEVNULL)
    assert await sent.wait() == 0


async def use(client, http):
    async def tool(name, **arguments):
        result = await client.call_tool(name, arguments)
        assert not result.is_error, result
        assert json.loads(result.content[0].text) == result.structured_content
        return result.structured_content

    assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
    services = (await tool("verify_list_services"))["services"]
    assert "google" in [service["serviceName"] for service in services]
    rented = await tool("verify_get_number", serviceName="google")
    waiting = asyncio.create_task(tool("verify_get_code", verificationId=rented["id"]))
    await held(http)
    await sms(rented["number"])
    assert await waiting == {"status": "completed", "otpCode": "482913"}
    other = await tool("verify_get_number", serviceName="google")
    assert await tool("verify_cancel", verificationId=other["id"]) == {"id": other["id"], "status": "cancelled"}
    assert (await client.call_tool("verify_cancel", {"verificationId": rented["id"]})).is_error


async def main(mode):
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as http:
        if mode == "stdio":
            environment = {"RINGBACK_URL": BASE, "RINGBACK_KEY": KEY}
            transport = stdio_client(StdioServerParameters(command=RINGBACK, args=["mcp"], env=environment))
        else:
            transport = streamable_http_client(URL, http_client=http)
        async with Client(transport, mode="auto" if mode == "stdio" else mode) as client:
            await use(client, http)
            spoken = client.session.protocol_version
    assert spoken == ("2025-11-25" if mode == "legacy" else "2026-07-28"), spoken
    print(f"==> PyPI mcp {mode}: {spoken}, four tools, a code while it waited")


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 60))
