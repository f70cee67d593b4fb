"""Checks of `models.py` against theory: known answers, closed forms of initial losses, the flow's Jacobian."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np

import models

KEY = jax.random.PRNGKey(0)
IMAGES = jax.random.uniform(jax.random.PRNGKey(1), (64, 28, 28, 1))
LABELS = jax.random.randint(jax.random.PRNGKey(2), (64,), 0, 10)
MNIST = ["mnist", {"bs": 64, "num_train": None}, None]


def near(name, value, expected, tolerance=1e-4):
    value, expected = float(value), float(expected)
    assert abs(value - expected) <= tolerance * max(1, abs(expected)), f"{name}: {value}, expected {expected}"
    print(f"{name}: {value:.6g}")


def zero_loss(family, **config):
    """Loss with all parameters 0."""
    model = models.model(family, {"activation": "relu", "w_init": ["he_normal", None], "dataset": MNIST, **config})
    params = jax.tree.map(jnp.zeros_like, model.init(KEY))
    return model.loss(params, IMAGES, LABELS, model.noise(KEY, len(IMAGES)))


def initial_losses():
    pixels = IMAGES.reshape(64, -1)
    squares = (pixels**2).sum(-1).mean()
    convolution = {"strides": [[2, 2]], "hidden_units": [8], "padding": ["SAME"], "use_bias": True, "center_data": False}
    near("mlp, ln K", zero_loss("mlp_family", layer_sizes=[16], center_data=True), np.log(10))
    near("conv_pooling, ln K", zero_loss("conv_pooling_family", pool_type="max", **convolution), np.log(10))
    near("conv_fc, ln K", zero_loss("conv_fc_family", fc_hidden_units=[32], **convolution), np.log(10))
    autoencoder = {"hidden_units": [32], "loss_type": "l2", "reduction_type": "reduce_sum"}
    near("mlp_ae, sum of x²", zero_loss("mlp_ae_family", output_type="linear", **autoencoder), squares)
    sigmoid = ((pixels - 0.5) ** 2).sum(-1).mean()
    near("mlp_ae, sum of (x - 1/2)²", zero_loss("mlp_ae_family", output_type="sigmoid", **autoencoder), sigmoid)
    standard_normal = 0.5 * squares + 392 * models.LOG_2PI
    # Dequantisation adds noise of variance (1/255)²/12 to each pixel, and its cross term to the mean.
    vae = zero_loss("mlp_vae_family", enc_hidden_units=[32], dec_hidden_units=[32])
    near("mlp_vae, standard normal + D ln 255", vae, standard_normal + 784 * np.log(255), 1e-3)
    near("nvp, standard normal", zero_loss("nvp_family", hidden_units=[32], num_bijectors=3), standard_normal, 1e-3)


def known_answers():
    kl = models.kl_from_standard_normal(jnp.array([0.3, -0.2]), jnp.array([0.1, -0.4]))
    near("KL of the first latent", kl[0], 0.055701379)
    near("KL of the second latent", kl[1], 0.144664482)
    near("a permutation of 784", np.random.RandomState(2).permutation(784)[0], 193)


def flow_is_a_change_of_variables():
    """The log determinant is that of the Jacobian, for an odd number of dimensions and three couplings."""
    permutations = [np.random.RandomState(seed).permutation(5) for seed in range(2)]
    couplings = [models.init_mlp(["glorot_normal", None], k, [2, 8, 6]) for k in jax.random.split(KEY, 3)]
    to_latent = lambda v: models.real_nvp_to_latent(couplings, jnp.tanh, permutations, v[None])
    v = jax.random.normal(jax.random.PRNGKey(3), (5,))
    _, expected = jnp.linalg.slogdet(jax.jacfwd(lambda v: to_latent(v)[0][0])(v))
    near("log determinant", to_latent(v)[1][0], expected)


def initialisers():
    """Standard deviation of each, to three standard errors; orthogonal columns."""
    shape, receptive = (3, 3, 40, 60), 9
    expected = {
        "he_normal": (2 / (receptive * 40)) ** 0.5,
        "he_uniform": (2 / (receptive * 40)) ** 0.5,
        "glorot_normal": (2 / (receptive * 100)) ** 0.5,
        "glorot_uniform": (2 / (receptive * 100)) ** 0.5,
        "variance_scaling": (0.7 / (receptive * 40)) ** 0.5,
        "random_uniform": 0.7 / 3**0.5,
        "random_normal": 0.7,
        "truncated_normal": 0.7,
    }
    for name, std in expected.items():
        weights = models.draw([name, 0.7], KEY, shape)
        near(f"std of {name}", weights.std() / std, 1, 3 / (2 * weights.size) ** 0.5)
    columns = models.draw(["orthogonal", 0.7], KEY, shape).reshape(-1, 60)
    near("orthogonal", jnp.abs(columns.T @ columns - 0.49 * jnp.eye(60)).max(), 0)


if __name__ == "__main__":
    known_answers()
    initial_losses()
    flow_is_a_change_of_variables()
    initialisers()
    print("all as expected")
