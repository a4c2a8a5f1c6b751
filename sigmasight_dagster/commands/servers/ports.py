"""Ports of servers that commands start."""

import socket

import click


def refuse_taken_port(host: str, port: int) -> None:
    """:raises ClickException: when something listens there, or nobody may."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} of {host}: {error.strerror}: choose another with --port"
            ) from None
