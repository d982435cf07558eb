# SPDX-License-Identifier: Apache-2.0
"""Sizes that columns would have in Gorilla's coding (Pelkonen et al. 2015): only how many bits
there are, which is what is compared."""


def xor_bits(words):
    """Of values, as unsigned 64-bit words (section 4.1.2)."""
    bits, before = 64, words[0]
    leading, trailing = 65, 0  # no window yet
    for word in words[1:]:
        changed, before = word ^ before, word
        if changed == 0:
            bits += 1
            continue
        lead = min(31, 64 - changed.bit_length())
        trail = (changed & -changed).bit_length() - 1
        if lead >= leading and trail >= trailing:
            bits += 2 + 64 - leading - trailing
        else:
            leading, trailing = lead, trail
            bits += 2 + 5 + 6 + 64 - lead - trail
    return bits


def time_bits(times):
    """Of times or steps: deltas of deltas (section 4.1.1). Ours may need more than the 32 bits that
    Gorilla ends with."""
    bits, before, delta = 64, times[0], 0
    for time in times[1:]:
        change, delta = time - before - delta, time - before
        before = time
        if change == 0:
            bits += 1
        elif -63 <= change <= 64:
            bits += 2 + 7
        elif -255 <= change <= 256:
            bits += 3 + 9
        elif -2047 <= change <= 2048:
            bits += 4 + 12
        else:
            bits += 4 + (32 if abs(change) < 1 << 31 else 64)
    return bits
