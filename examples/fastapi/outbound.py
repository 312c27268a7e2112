"""Requests to addresses that somebody else has chosen: to the public network only."""

import asyncio
import ipaddress
import socket

import httpx
from fastapi import HTTPException
from pydantic import HttpUrl

REFUSED = HTTPException(422, "This page cannot be read")


async def fetch_public_page(url: HttpUrl) -> str:
    """One answer, without redirects, from the address that was checked and no later one."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.host.strip("[]"), url.port, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise REFUSED from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not addresses or not all(_is_public(address) for address in addresses):
        raise REFUSED
    pinned = httpx.URL(str(url)).copy_with(host=str(addresses[0]))
    try:
        async with httpx.AsyncClient(timeout=5, follow_redirects=False, trust_env=False) as client:
            request = client.build_request(
                "GET",
                pinned,
                headers={"host": f"{url.host}:{url.port}"},
                extensions={"sni_hostname": url.host},
            )
            page = await client.send(request)
    except httpx.HTTPError as error:
        raise REFUSED from error
    return page.text


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_global and not mapped.is_multicast
