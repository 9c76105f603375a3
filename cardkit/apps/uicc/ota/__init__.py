"""Over the air: scripts of commands for a card, in secured packets, in short messages.

From the inside out: :mod:`.scripting` writes commands as a script and reads what came of them, :mod:`.rfm` makes
scripts of a plan's steps and :mod:`.ram` of card content management, :mod:`cardkit.secure.scp80` secures them,
:mod:`.sms` carries packets, :mod:`.sending` brings them to a card in a reader, :mod:`.judging` says what it means.
"""
