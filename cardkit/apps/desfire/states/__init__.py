"""One DESFire card from blank to finished: what must be true, the commands, a powered card, the judgement."""
