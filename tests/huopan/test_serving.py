"""The socket of an API process."""

import asyncio
import socket

from huopan.pool import listening


def test_an_answer_is_sent_at_once_and_does_not_wait_for_the_callers_acknowledgement() -> None:
    async def delays_nothing(found: socket.socket) -> bool:
        accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def told(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
            accepted.set_result(bool(writer.get_extra_info("socket").getsockopt(*asked)))
            writer.close()

        async with await asyncio.start_server(told, sock=found):
            _, writer = await asyncio.open_connection(*found.getsockname())
            writer.close()
            return await accepted

    with listening("127.0.0.1", 0) as found:
        assert asyncio.run(delays_nothing(found))
